"""Smaller models from an ONNX file, through Optimum's quantizer."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.export.targets import Target
from finetune.spec import Int8Dynamic, Int8Static

if TYPE_CHECKING:
    from finetune.contracts import Array

PRODUCTS = ["Conv", "Gemm", "MatMul"]
# What lies between the convolutions of a network: left in float, every one of them would be reached over a conversion.
BETWEEN = ["Add", "Flatten", "GlobalAveragePool", "MaxPool", "Relu"]
PIECES = {"minmax": 64, "entropy": 1, "percentile": 1}  # rows whose activations are held at once: the last two keep all


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
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".draft-") as draft, _quiet():
        from optimum.onnxruntime import ORTQuantizer

        quantizer = ORTQuantizer.from_pretrained(source.parent, file_name=source.name)
        graph = _graph(source)
        config = _config(form, graph)
        ranges = None
        if isinstance(form.settings, Int8Static):
            asked = [item.name for item in graph.input]
            known = ({name: row[name][0] for name in asked} for row in rows)  # Optimum puts the batch axis back
            ranges = _ranges(quantizer, config, form.settings, rows=known, draft=Path(draft))
        quantizer.quantize(save_dir=draft, quantization_config=config, file_suffix="", calibration_tensors_range=ranges)
        shutil.move(Path(draft) / source.name, file)


def quantized(source: Path, form: Form) -> list[str]:
    """Names of the nodes of `source` that the form turns into int8, in the order of the graph."""
    graph = _graph(source)
    kinds = set(_config(form, graph).operators_to_quantize)
    return [node.name for node in graph.node if node.op_type in kinds and node.name not in form.excluded]


def _graph(source: Path) -> Any:
    import onnx

    return onnx.load(source, load_external_data=False).graph


def _config(form: Form, graph: Any) -> Any:
    from onnxruntime.quantization import QuantType
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    static, target = isinstance(form.settings, Int8Static), form.target
    between = [] if any(node.op_type == "Softmax" for node in graph.node) else BETWEEN
    config = AutoQuantizationConfig.avx512_vnni(
        is_static=static, per_channel=form.settings.per_channel, nodes_to_exclude=list(form.excluded),
        use_symmetric_activations=static and target.signed_activations,
        operators_to_quantize=[*PRODUCTS, *between] if static else None,
    )
    if not static:
        config.operators_to_quantize = [name for name in config.operators_to_quantize if name != "Conv"]
    config.reduce_range = target.reduce_range
    if static and target.signed_activations:
        config.activations_dtype = QuantType.QInt8
    if form.unsigned_weights:
        config.weights_dtype = QuantType.QUInt8
    return config


def _ranges(quantizer: Any, config: Any, settings: Int8Static, *, rows: Iterable[Mapping[str, Array]],
            draft: Path) -> Any:
    """Ranges of the activations, row by row: memory does not grow with their number."""
    from onnxruntime.quantization import CalibrationMethod
    from optimum.onnxruntime.configuration import CalibrationConfig

    method = {"minmax": CalibrationMethod.MinMax, "entropy": CalibrationMethod.Entropy,
              "percentile": CalibrationMethod.Percentile}[settings.ranges]
    bins: dict[str, dict[str, Any]] = {
        "minmax": {}, "entropy": {"num_bins": 128, "num_quantized_bins": 128},
        "percentile": {"num_bins": 2048, "percentile": 99.999},
    }
    calibration = CalibrationConfig("", "", "", 0, method, moving_average=False, averaging_constant=0.01,
                                    **bins[settings.ranges])
    for piece in _pieces(rows, PIECES[settings.ranges]):
        quantizer.partial_fit(piece, calibration, draft / "augmented.onnx", config.operators_to_quantize,
                              force_symmetric_range=config.activations_symmetric)
        calibration = replace(calibration, method=None)  # go on with the same calibrator
    return quantizer.compute_ranges()


def _pieces(rows: Iterable[Mapping[str, Array]], size: int) -> Iterator[list[dict[str, Array]]]:
    piece: list[dict[str, Array]] = []
    for row in rows:
        piece.append(dict(row))
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece


@contextmanager
def _quiet() -> Iterator[None]:
    for library in ("optimum", "root"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # optimum 2.1 loads the processor beside a ResNet through a class that transformers 4.57 calls deprecated; see
        # test_optimum_still_loads_the_processor_of_a_resnet_through_a_deprecated_class.
        warnings.filterwarnings("ignore", "The class ConvNextFeatureExtractor is deprecated", FutureWarning)
        yield
