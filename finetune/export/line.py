"""Two library lines behind one interface: which one exports and quantizes depends on the transformers installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from finetune.contracts import Array

# How histograms of activations are kept, by the kind of their ranges.
BINS: dict[str, dict[str, Any]] = {
    "minmax": {}, "entropy": {"num_bins": 128, "num_quantized_bins": 128},
    "percentile": {"num_bins": 2048, "percentile": 99.999},
}
Level = Literal["O1", "O2", "O3"]  # of fusing, as Optimum numbers them
NATIVE_SINCE = 5  # major version of transformers that Optimum's exporter does not know


@dataclass(frozen=True, kw_only=True, slots=True)
class Int8:
    """How a graph is written as int8, spelled out: the same words lead to the same model on both lines."""

    operators: tuple[str, ...]  # types of the nodes that are quantized
    excluded: tuple[str, ...]  # names of nodes that stay in float
    per_channel: bool
    reduce_range: bool  # weights keep to seven bits
    unsigned_weights: bool
    signed_activations: bool  # and symmetric: static only
    ranges: Literal["minmax", "entropy", "percentile"] | None  # of the activations; None: found anew for every row


class Line(Protocol):
    """What a library line has to offer; each is a file of this room."""

    def refuses(self, config: Mapping[str, Any] | None, task: str) -> str | None:
        """Why a backbone of that configuration cannot be exported and what to do, as far as it is known beforehand.

        A sentence without its subject and full stop. `config` is what config.json says, None where that is
        not known.
        """

    def export(self, model: Any, file: Path, *, inputs: Mapping[str, Array], task: str, opset: int) -> None:
        """Write `model` as a float32 ONNX graph with free batch and sequence axes; `inputs` is any batch.

        What writes texts is written as an encoder, which is `file`, and beside it a decoder with and without a
        key-value cache in one graph. The model must use eager attention: only that form is fused into attention nodes
        later.
        Raises ExportError when the exporter does not know the architecture.
        """

    def quantize(self, source: Path, file: Path, form: Int8, *, pieces: Iterable[list[dict[str, Array]]]) -> None:
        """Write the int8 form of `source`; `pieces` are rows without batch axis, as many as may be held at once.

        `file` has the name of `source` and lies in a folder of its own, where scraps may be left.
        """

    def fuse(self, source: Path, file: Path, level: Level, *, gpu: bool) -> bool:
        """Write `source` with fused layers; False where no fusions are known for the architecture.

        `file` lies as that of `quantize` does. The mask is taken as it is given: as a length it would hold for padding
        at the right end alone. Sums before a normalization are fused with it for GPUs; `session.SLOWER_FUSIONS` says
        why not for CPUs.
        """


def installed() -> Line:
    """The line of this environment."""
    from finetune.export import native, optimum

    return native if int(metadata.version("transformers").split(".")[0]) >= NATIVE_SINCE else optimum
