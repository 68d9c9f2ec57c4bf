"""The line of transformers 4.57: Optimum's exporter and quantizer. The only file that calls them."""

from __future__ import annotations

import copy
import io
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.errors import ExportError
from finetune.export.line import BINS, Int8, Level

if TYPE_CHECKING:
    from finetune.contracts import Array

OTHER = "Choose another backbone (model.name=...)"
PARTS = ("encoder_model", "decoder_model_merged")  # of what writes texts


def refuses(config: Mapping[str, Any] | None, task: str) -> str | None:
    """Why a backbone of that configuration cannot be exported; see `line.Line`."""
    name = (config or {}).get("model_type", "timm_wrapper")
    if name == "timm_wrapper":
        return None  # Optimum exports whatever timm has
    from optimum.exporters.onnx import model_configs  # noqa: F401  # by which the architectures enrol
    from optimum.exporters.tasks import TasksManager

    try:
        known = TasksManager.get_supported_tasks_for_model_type(name, "onnx", library_name="transformers")
    except KeyError:
        return f"is of the architecture {name!r}, which Optimum cannot export. {OTHER}"
    return None if task in known else (f"is of the architecture {name!r}, which Optimum cannot export for {task} "
                                       f"(only for {', '.join(sorted(known))}). {OTHER}")


def export(model: Any, file: Path, *, inputs: Mapping[str, Array], task: str, opset: int) -> None:
    """Write `model` as a float32 ONNX graph; see `line.Line`."""
    from optimum.exporters.onnx import onnx_export_from_model

    exported = model
    if hasattr(model, "timm_model"):
        exported = model.timm_model  # of which Optimum takes the size of its inputs from the weights' configuration
        exported.pretrained_cfg = {**exported.pretrained_cfg, "input_size": list(inputs["pixel_values"].shape[1:])}
    writes = task.endswith("-with-past")
    if writes:
        # optimum-onnx 0.1.0 switches the cache of a T5's encoder on, which cannot answer any more then; see
        # test_optimum_still_leaves_the_cache_of_an_encoder_on.
        exported = copy.deepcopy(exported)
    name = getattr(model.config, "architecture", None) or model.config.model_type
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".draft-") as draft, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracer warnings speak of branches that the free axes do not take
        for library in ("optimum", "transformers"):
            logging.getLogger(library).setLevel(logging.ERROR)
        try:
            onnx_export_from_model(exported, Path(draft), task=task, opset=opset, device="cpu", do_validation=False,
                                   no_post_process=not writes)  # which makes one decoder of the two
        except (ValueError, KeyError, NotImplementedError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ExportError("export", f"Optimum cannot export the architecture {name!r}: {reason} "
                                        f"{OTHER}.") from error
        for stem in PARTS if writes else ("model",):
            for part in Path(draft).glob(f"{stem}.onnx*"):  # weights above 2 GiB lie in a file beside the graph
                shutil.move(part, file.parent / part.name)


def quantize(source: Path, file: Path, form: Int8, *, pieces: Iterable[list[dict[str, Array]]]) -> None:
    """Write the int8 form of `source`; see `line.Line`."""
    with _quiet():
        from optimum.onnxruntime import ORTQuantizer

        def quantizer() -> Any:  # each lives for one purpose: the runtime that measured must be gone before writing
            return ORTQuantizer.from_pretrained(source.parent, file_name=source.name)

        ranges = _ranges(quantizer(), form, pieces, draft=file.parent) if form.ranges else None
        quantizer().quantize(save_dir=file.parent, quantization_config=_config(form), file_suffix="",
                             calibration_tensors_range=ranges)


def fuse(source: Path, file: Path, level: Level, *, gpu: bool) -> bool:
    """Write `source` with fused layers; see `line.Line`."""
    from optimum.onnxruntime import ORTOptimizer
    from optimum.onnxruntime.configuration import AutoOptimizationConfig

    config = AutoOptimizationConfig.with_optimization_level(
        level, use_raw_attention_mask=True, disable_skip_layer_norm_fusion=not gpu,
        disable_bias_skip_layer_norm_fusion=not gpu,
    )
    config.optimization_level = 1  # above it the runtime fuses first, and hides layers from the patterns that know more
    try:
        optimizer = ORTOptimizer.from_pretrained(source.parent, file_names=[source.name])
        optimizer.optimize(config, save_dir=file.parent, file_suffix="")
    except NotImplementedError:
        return False
    return True


def _config(form: Int8) -> Any:
    from onnxruntime.quantization import QuantType
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    config = AutoQuantizationConfig.avx512_vnni(
        is_static=form.ranges is not None, per_channel=form.per_channel, nodes_to_exclude=list(form.excluded),
        use_symmetric_activations=form.signed_activations, operators_to_quantize=list(form.operators),
    )
    config.reduce_range = form.reduce_range
    if form.signed_activations:
        config.activations_dtype = QuantType.QInt8
    if form.unsigned_weights:
        config.weights_dtype = QuantType.QUInt8
    return config


def _ranges(quantizer: Any, form: Int8, pieces: Iterable[list[dict[str, Array]]], *, draft: Path) -> Any:
    """Ranges of the activations, piece by piece: memory does not grow with their number."""
    from onnxruntime.quantization import CalibrationMethod
    from optimum.onnxruntime.configuration import CalibrationConfig

    assert form.ranges
    method = {"minmax": CalibrationMethod.MinMax, "entropy": CalibrationMethod.Entropy,
              "percentile": CalibrationMethod.Percentile}[form.ranges]
    calibration = CalibrationConfig("", "", "", 0, method, moving_average=False, averaging_constant=0.01,
                                    **BINS[form.ranges])
    for piece in pieces:
        quantizer.partial_fit(piece, calibration, draft / "augmented.onnx", list(form.operators),
                              force_symmetric_range=form.signed_activations)
        calibration = replace(calibration, method=None)  # go on with the same calibrator
    return quantizer.compute_ranges()


@contextmanager
def _quiet() -> Iterator[None]:
    for library in ("optimum", "root"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # ONNX Runtime prints what it measures
        # optimum 2.1 loads the processor beside a ResNet through a class that transformers 4.57 calls deprecated; see
        # test_optimum_still_loads_the_processor_of_a_resnet_through_a_deprecated_class.
        warnings.filterwarnings("ignore", "The class ConvNextFeatureExtractor is deprecated", FutureWarning)
        yield
