"""An ONNX model as something that answers a batch; needs onnxruntime and numpy, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime as ort

from finetune.errors import ExportError
from finetune.machine import cores

if TYPE_CHECKING:
    from finetune.contracts import Array, Batch

# ONNX Runtime 1.31 computes SkipLayerNormalization on a CPU more slowly than the sum and the normalization that it
# stands for, and int8 products then lack the bias that it took along: 12 % of an int8 BERT. The figures stand in
# `benchmarks/export_speed.py`, which shows when this is no longer so.
SLOWER_FUSIONS = ["SkipLayerNormFusion"]


class Session:
    """One ONNX file, loaded for the CPU."""

    def __init__(self, file: Path, *, threads: int | None = None) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or cores()
        options.log_severity_level = 3
        try:
            self._session: Any = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"],
                                                      disabled_optimizers=SLOWER_FUSIONS)
        except Exception as error:  # the runtime's errors have no other parent
            raise ExportError(str(file), f"onnxruntime {ort.__version__} cannot open it: {str(error).strip()} Export "
                                         "the run again, or install the onnxruntime that it was exported with."
                              ) from error
        self._inputs = [item.name for item in self._session.get_inputs()]
        self._outputs = [item.name for item in self._session.get_outputs()]

    @property
    def shapes(self) -> dict[str, list[Any]]:
        """The shape of every input by name; free axes are words."""
        return {item.name: item.shape for item in self._session.get_inputs()}

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs by name; inputs that the graph does not know are left out."""
        values = self._session.run(None, {name: inputs[name] for name in self._inputs})
        return dict(zip(self._outputs, values, strict=True))

    def infer(self, batch: Batch) -> tuple[Mapping[str, Array], None]:
        """The `Infer` of an ONNX model: no loss, since it never sees targets."""
        return self(batch.inputs), None
