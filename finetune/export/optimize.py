"""Graphs with fused layers, which the library line writes, and graphs in half precision for GPUs."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finetune.export import line, wire

# Layers that a fusion makes out of many nodes; LayerNormalization where the operator set has none of its own.
FUSED = ("Attention", "MultiHeadAttention", "EmbedLayerNormalization", "SkipLayerNormalization", "LayerNormalization",
         "BiasGelu", "FastGelu", "Gelu")


def optimize(source: Path, file: Path, level: line.Level, *, gpu: bool = False) -> dict[str, int] | None:
    """Write `source` with its layers fused; returns how many of each kind were, None where nothing was written.

    O1 folds constants, O2 fuses the layers of transformers too, O3 also computes GELU by an approximation. From O2 on
    only ONNX Runtime can run the file. Nothing is written where no fusions are known for the architecture or none fit
    its graph, and for weights outside the file: Optimum 2.1 deletes those of the source.
    """
    if source.with_name(f"{source.name}_data").exists():
        return None
    fused: dict[str, int] | None = None
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".draft-") as draft, _quiet():
        written = Path(draft) / source.name
        if line.installed().fuse(source, written, level, gpu=gpu):
            fused = fusions(written, before=source)
        if fused or (level == "O1" and fused is not None):
            _add_types(written)
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(written, file)
            return fused
    return None


def halve(source: Path, file: Path) -> None:
    """Write `source` with 16-bit floats inside; inputs and outputs stay 32 bits wide, so it answers the same calls."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    file.parent.mkdir(parents=True, exist_ok=True)
    with _quiet():
        model = _typed(onnx.load(source))
        onnx.save(convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=True), file)


def fusions(file: Path, *, before: Path) -> dict[str, int]:
    """How many layers of each kind the file holds that were separate nodes before."""
    new = _kinds(file) - _kinds(before)
    return {kind: new[kind] for kind in FUSED if new[kind]}


def _kinds(file: Path) -> Counter[str]:
    return Counter(part.texts.get("operator", "") for part in wire.read(file) if part.kind == "node")


def _add_types(file: Path) -> None:
    """Types of what flows between the nodes, which the quantizer looks up and fusing leaves out."""
    import onnx

    onnx.save(_typed(onnx.load(file)), file)


def _typed(model: Any) -> Any:
    """The model with the type of every value; shapes are left out, since the inference may merge free axes."""
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

    inferred = SymbolicShapeInference.infer_shapes(model, auto_merge=True, guess_output_rank=False)
    known = {value.name for value in model.graph.value_info}
    for value in inferred.graph.value_info:
        if value.name not in known and value.type.tensor_type.elem_type:
            value.type.tensor_type.ClearField("shape")
            model.graph.value_info.append(value)
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Optimum and ONNX Runtime log every layer that they look at."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
