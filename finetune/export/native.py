"""The line of transformers 5: its own exporter, and ONNX Runtime's own quantizer. The only file that calls them."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.errors import ExportError
from finetune.export.line import BINS, Int8, Level

if TYPE_CHECKING:
    from finetune.contracts import Array

TRACED = (3, 7)  # rows and tokens while tracing: sizes that no weight has, so that no axis is taken for fixed
AXES = ("batch_size", "sequence_length")  # as Optimum names them
EMBEDDED = 2**31 - 2**24  # bytes of weights beside which the graph itself has room
# Which fusions of ONNX Runtime fit an architecture.
PATTERNS = {**dict.fromkeys(("albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "mpnet",
                             "roberta", "xlm-roberta"), "bert"), "dinov2": "vit", "vit": "vit"}
ASIDE = "aside"  # domain of nodes that the conversion to an older set must not see
WRITES = ("has an encoder and a decoder, which Optimum alone exports, on the default library line (docs/lines.md)")
WRITTEN = 18  # the operator set that torch writes; older ones are made from it


def refuses(config: Mapping[str, Any] | None, task: str) -> str | None:
    """Why a backbone of that configuration cannot be exported; see `line.Line`.

    transformers 5 keeps no list of what `torch.export` can trace, so that the rest is found out by trying.
    """
    if task.endswith("-with-past") or (config or {}).get("is_encoder_decoder", False):
        return f"{WRITES}. Start it there"
    return None


def export(model: Any, file: Path, *, inputs: Mapping[str, Array], task: str, opset: int) -> None:
    """Write `model` as a float32 ONNX graph; see `line.Line`."""
    if refuses(model.config.to_dict(), task):
        raise ExportError("export", f"the model {WRITES}. The trained model moves: run `finetune export RUN` there.")
    import torch
    from transformers.exporters import OnnxConfig, OnnxExporter

    name = model.config.model_type
    sample = {key: torch.from_numpy(_sample(value)) for key, value in inputs.items()}
    free = {key: dict.fromkeys(range(_num_free(value)), torch.export.Dim.AUTO) for key, value in inputs.items()}
    config = OnnxConfig(dynamic_shapes=free, opset_version=max(opset, WRITTEN))
    try:
        with _quiet():
            program = OnnxExporter().export(model, sample, config).program
            _save(program, file, opset=opset)
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ExportError("export", f"transformers cannot export the architecture {name!r}: {reason} "
                                    "Choose another backbone (model.name=...).") from error


def quantize(source: Path, file: Path, form: Int8, *, pieces: Iterable[list[dict[str, Array]]]) -> None:
    """Write the int8 form of `source`; see `line.Line`."""
    import onnx
    from onnxruntime.quantization import QDQQuantizer, QuantType, quantize_dynamic

    model = onnx.load(source)
    weights = QuantType.QUInt8 if form.unsigned_weights else QuantType.QInt8
    options = {"WeightSymmetric": True, "ActivationSymmetric": form.signed_activations,
               "ForceSymmetric": form.signed_activations}
    with _quiet():
        if form.ranges is None:
            quantize_dynamic(
                model, file, op_types_to_quantize=list(form.operators), per_channel=form.per_channel,
                reduce_range=form.reduce_range, weight_type=weights, nodes_to_exclude=list(form.excluded),
                extra_options={**options, "MatMulConstBOnly": False},
            )
            return
        quantizer = QDQQuantizer(
            model, per_channel=form.per_channel, reduce_range=form.reduce_range, weight_qType=weights,
            activation_qType=QuantType.QInt8 if form.signed_activations else QuantType.QUInt8,
            tensors_range=_ranges(source, form, pieces, draft=file.parent), nodes_to_quantize=[],
            nodes_to_exclude=list(form.excluded), op_types_to_quantize=list(form.operators), extra_options=options,
        )
        quantizer.quantize_model()
        quantizer.model.save_model_to_file(str(file), use_external_data_format=False)


def fuse(source: Path, file: Path, level: Level, *, gpu: bool) -> bool:
    """Write `source` with fused layers; see `line.Line`."""
    from onnxruntime.transformers.fusion_options import AttentionMaskFormat, FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    config = json.loads((source.parent / "config.json").read_text(encoding="utf-8"))
    kind = PATTERNS.get(config.get("model_type"))
    if kind is None:
        return False
    options = FusionOptions(kind)
    options.attention_mask_format = AttentionMaskFormat.AttentionMask
    options.enable_embed_layer_norm = False
    options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = gpu
    options.enable_gelu_approximation = level == "O3"
    with _quiet():
        optimized = optimize_model(
            source.as_posix(), kind, config.get("num_attention_heads") or config["n_heads"],
            config.get("hidden_size") or config["dim"], optimization_options=options, opt_level=1,
            only_onnxruntime=level == "O1",
        )
        optimized.save_model_to_file(file.as_posix())
    return True


def _sample(value: Array) -> Array:
    """An input of that kind, of the sizes that are traced."""
    free = _num_free(value)
    return np.resize(value, (*TRACED[:free], *value.shape[free:]))


def _num_free(value: Array) -> int:
    """Axes that change from batch to batch: rows, and tokens where there are some."""
    return 2 if value.ndim == 2 else 1


def _save(program: Any, file: Path, *, opset: int) -> None:
    """Write the graph, its weights inside; above 2 GiB, which is all that such a file can hold, beside it."""
    import onnx
    import onnx_ir
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    ClearMetadataAndDocStringPass()(program)  # every node knows its line of source, with paths of this machine
    model = onnx_ir.to_proto(program)
    _name_axes(model.graph)
    large = sum(len(weight.raw_data) for weight in model.graph.initializer) > EMBEDDED
    if opset < WRITTEN and large:
        raise ExportError("export.opset", f"{opset} found, a graph of more than 2 GiB is written from {WRITTEN} on "
                                          f"beside transformers 5. Use {WRITTEN}.")
    if opset < WRITTEN:
        try:
            model = _older(model, opset)
        except RuntimeError as error:
            raise ExportError("export.opset", f"{opset} found, and this graph cannot be written in so old a set: "
                                              f"{error}. Use {WRITTEN} or later.") from error
    onnx.save(model, file, save_as_external_data=large, location=f"{file.name}_data")


def _older(model: Any, opset: int) -> Any:
    """The model in an older operator set, by onnx.

    onnx 1.23 leaves an attribute on reductions that older sets do not know, and cannot convert Split, which differs by
    an attribute alone: parts are equal without it. See test_onnx_still_stumbles_over_reductions_and_splits.
    """
    from onnx import helper, version_converter

    for node in model.graph.node:
        kept = [item for item in node.attribute
                if item.name != "num_outputs" and (item.name != "noop_with_empty_axes" or item.i)]
        del node.attribute[:]
        node.attribute.extend(kept)
        if node.op_type == "Split":
            node.domain = ASIDE
    model.opset_import.append(helper.make_opsetid(ASIDE, 1))
    model = version_converter.convert_version(model, opset)
    for node in model.graph.node:
        node.domain = "" if node.domain == ASIDE else node.domain
    sets = [item for item in model.opset_import if item.domain != ASIDE]
    del model.opset_import[:]
    model.opset_import.extend(sets)
    return model


def _name_axes(graph: Any) -> None:
    """The free axes of inputs, and of what keeps them, by name instead of the tracer's numbers."""
    names = {size.dim_param: name for item in graph.input
             for name, size in zip(AXES, item.type.tensor_type.shape.dim, strict=False) if size.dim_param}
    for item in (*graph.input, *graph.output, *graph.value_info):
        for size in item.type.tensor_type.shape.dim:
            if size.dim_param in names:
                size.dim_param = names[size.dim_param]


def _ranges(source: Path, form: Int8, pieces: Iterable[list[dict[str, Array]]], *, draft: Path) -> Any:
    """Ranges of the activations, piece by piece: memory does not grow with their number."""
    from onnxruntime.quantization import CalibrationMethod, create_calibrator

    assert form.ranges
    method = {"minmax": CalibrationMethod.MinMax, "entropy": CalibrationMethod.Entropy,
              "percentile": CalibrationMethod.Percentile}[form.ranges]
    calibrator = create_calibrator(
        source.as_posix(), list(form.operators), (draft / "augmented.onnx").as_posix(), method,
        extra_options={"symmetric": form.signed_activations, **BINS[form.ranges]},
    )
    for piece in pieces:
        calibrator.collect_data(_Reader(piece))
    return calibrator.compute_data()


class _Reader:
    """Rows one after the other, as a calibrator wants them."""

    def __init__(self, rows: list[dict[str, Array]]) -> None:
        self._rows = iter(rows)

    def get_next(self) -> dict[str, Array] | None:
        """The next row as a batch of one, None after the last."""
        row = next(self._rows, None)
        return row and {name: value[None] for name, value in row.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings that speak to the exporter's authors, and torch's own account on the console."""
    for library in ("transformers", "torch.onnx", "onnxscript", "root"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
