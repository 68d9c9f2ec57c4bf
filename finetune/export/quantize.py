"""Smaller models from an ONNX file: which nodes become int8, and how; the library line writes it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.export import line
from finetune.export.targets import Target
from finetune.spec import Int8Dynamic, Int8Static

if TYPE_CHECKING:
    from finetune.contracts import Array

PRODUCTS = ["Conv", "Gemm", "MatMul"]
# What lies between the convolutions of a network: left in float, every one of them would be reached over a conversion.
BETWEEN = ["Add", "Flatten", "GlobalAveragePool", "MaxPool", "Relu"]
# All that ONNX Runtime writes as dynamic int8, but for convolutions.
DYNAMIC = ["MatMul", "Attention", "LSTM", "Gather", "Transpose", "EmbedLayerNormalization"]
PIECES = {"minmax": 16, "entropy": 1, "percentile": 1}  # rows whose activations are held at once: the last two keep all


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """One way to write int8: the recipe's settings, the target, and which nodes stay in float."""

    settings: Int8Dynamic | Int8Static
    target: Target
    unsigned_weights: bool = False
    excluded: tuple[str, ...] = ()


def quantize(source: Path, file: Path, form: Form, *, rows: Iterable[Mapping[str, Array]] = ()) -> None:
    """Write the int8 form of `source`; `rows` are the model's inputs, each a batch of one, for static ranges.

    Dynamic: matrix products alone, since dynamic int8 convolutions are slower than float ones in ONNX Runtime. Static:
    convolutions too, and in a network without attention what lies between them.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    graph = _graph(source)
    asked = [item.name for item in graph.input]
    known = ({name: row[name][0] for name in asked} for row in rows)  # both quantizers put the batch axis back
    int8 = _int8(form, graph)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".draft-") as draft:
        written = Path(draft) / source.name
        line.installed().quantize(source, written, int8, pieces=_pieces(known, PIECES[int8.ranges or "minmax"]))
        shutil.move(written, file)


def quantized(source: Path, form: Form) -> list[str]:
    """Names of the nodes of `source` that the form turns into int8, in the order of the graph."""
    graph = _graph(source)
    int8 = _int8(form, graph)
    return [node.name for node in graph.node if node.op_type in int8.operators and node.name not in int8.excluded]


def _graph(source: Path) -> Any:
    import onnx

    return onnx.load(source, load_external_data=False).graph


def _int8(form: Form, graph: Any) -> line.Int8:
    settings, target = form.settings, form.target
    ranges = settings.ranges if isinstance(settings, Int8Static) else None
    between = [] if any(node.op_type == "Softmax" for node in graph.node) else BETWEEN
    excluded = form.excluded + tuple(_before_softmax(graph) if ranges else ())
    return line.Int8(
        operators=tuple(PRODUCTS + between if ranges else DYNAMIC), excluded=tuple(dict.fromkeys(excluded)),
        per_channel=settings.per_channel, reduce_range=target.reduce_range, unsigned_weights=form.unsigned_weights,
        signed_activations=ranges is not None and target.signed_activations, ranges=ranges,
    )


def _before_softmax(graph: Any) -> list[str]:
    """Products that go straight into a softmax, as the attention of timm's ViT has them.

    ONNX Runtime 1.31 makes one operator of a softmax between int8 products, QLinearSoftmax, which answers zero where
    no share is large; see test_onnxruntime_still_loses_a_softmax_between_int8.
    """
    given = {node.input[0] for node in graph.node if node.op_type == "Softmax"}
    return [node.name for node in graph.node if node.op_type == "MatMul" and node.output[0] in given]


def _pieces(rows: Iterable[Mapping[str, Array]], size: int) -> Iterator[list[dict[str, Array]]]:
    piece: list[dict[str, Array]] = []
    for row in rows:
        piece.append(dict(row))
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece
