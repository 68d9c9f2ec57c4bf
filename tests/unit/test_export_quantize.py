"""int8 files: smaller, close, and quantized where it pays."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from finetune.backbones import tiny
from finetune.export.quantize import PIECES, Form, quantize, quantized
from finetune.export.session import Session
from finetune.export.targets import TARGETS, target
from finetune.spec import Int8Dynamic, Int8Static
from finetune.write import digest
from tests.unit.test_export_optimum import KINDS, Exported, answers, exported, made_up_inputs, needs_optimum

TRANSFORMERS = ("bert", "distilbert", "vit")
VNNI = TARGETS["cpu-vnni"]
DEFAULT = Form(settings=Int8Dynamic(), target=VNNI)
STATIC = Form(settings=Int8Static(), target=VNNI)
pytestmark = pytest.mark.lines


def small(made: Exported, form: Form = DEFAULT) -> Path:
    """The int8 file of a miniature, made once."""
    name = f"{made.folder.name}-{abs(hash(form))}"
    file = made.folder.parent / name / "model.onnx"
    if not file.is_file():
        quantize(made.file, file, form, rows=calibration(made) if isinstance(form.settings, Int8Static) else ())
    return file


def calibration(made: Exported, rows: int = 40) -> Iterator[dict[str, np.ndarray]]:
    """Inputs like those that are asked later, one row at a time."""
    inputs = made_up_inputs(made, rows, 17)
    yield from ({name: value[row : row + 1] for name, value in inputs.items()} for row in range(rows))


def operators(file: Path) -> list[str]:
    return [node.op_type for node in onnx.load(file).graph.node]


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(request.param, tmp_path_factory.getbasetemp())


@pytest.fixture
def bert(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported("bert", tmp_path_factory.getbasetemp())


def test_int8_file_of_a_transformer_is_smaller(made: Exported) -> None:
    ratio = small(made).stat().st_size / made.file.stat().st_size
    assert ratio < (0.95 if made.folder.name in TRANSFORMERS else 1.15)  # the miniatures are mostly graph, hardly weights


def test_int8_gives_most_rows_the_label_of_pytorch(made: Exported) -> None:
    inputs = made_up_inputs(made, 200, 17)
    expected = answers(made, inputs)
    found = Session(small(made), threads=1)(inputs)["logits"]
    assert len(set(expected.argmax(axis=1).tolist())) > 1
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= 0.9


def test_matrices_are_quantized_and_convolutions_are_not(made: Exported) -> None:
    before, after = operators(made.file), operators(small(made))
    assert after.count("Conv") == before.count("Conv")
    assert "ConvInteger" not in after
    products = before.count("MatMul") + before.count("Gemm")
    left = after.count("MatMul") + after.count("Gemm")
    assert left < products
    assert after.count("MatMulInteger") == products - left


def test_static_int8_covers_convolutions_and_what_lies_between_them(made: Exported) -> None:
    graph = onnx.load(small(made, STATIC)).graph
    made_of = {output: node for node in graph.node for output in node.output}
    kinds = ("Conv", "Gemm", "MatMul") if "Softmax" in operators(made.file) else ("Conv", "Gemm", "MatMul", "Add")
    found = [[made_of[name].op_type for name in node.input if name in made_of] for node in graph.node if node.op_type in kinds]
    assert found
    assert all("DequantizeLinear" in inputs for inputs in found)


@pytest.mark.parametrize("form", [STATIC, Form(settings=Int8Static(per_channel=False), target=VNNI),
                                  Form(settings=Int8Static(ranges="percentile"), target=VNNI),
                                  Form(settings=Int8Static(ranges="entropy"), target=VNNI),
                                  Form(settings=Int8Static(), target=TARGETS["arm64"]),
                                  Form(settings=Int8Static(), target=TARGETS["cpu-avx2"])])
def test_static_int8_of_a_resnet_gives_most_rows_the_label_of_pytorch(form: Form, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = exported("resnet", tmp_path_factory.getbasetemp())
    inputs = made_up_inputs(made, 200, 17)
    found = Session(small(made, form), threads=1)(inputs)["logits"]
    assert np.mean(found.argmax(axis=1) == answers(made, inputs).argmax(axis=1)) >= 0.9


def test_ranges_do_not_depend_on_how_many_rows_are_held_at_once(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    made = exported("resnet", tmp_path_factory.getbasetemp())
    for size in (1, 7, 64):
        monkeypatch.setitem(PIECES, "minmax", size)
        quantize(made.file, tmp_path / str(size) / "model.onnx", STATIC, rows=calibration(made))
    assert len({digest(tmp_path / str(size) / "model.onnx") for size in (1, 7, 64)}) == 1


def test_excluded_nodes_stay_in_float(bert: Exported) -> None:
    names = quantized(bert.file, DEFAULT)
    products = [name for name in names if "MatMul" in name]
    form = Form(settings=Int8Dynamic(), target=VNNI, excluded=tuple(products[:3]))
    assert quantized(bert.file, form) == [name for name in names if name not in products[:3]]
    left = [node.name for node in onnx.load(small(bert, form)).graph.node if node.op_type == "MatMul"]
    assert set(products[:3]) <= set(left)


def test_weights_keep_to_seven_bits_where_products_would_saturate(bert: Exported) -> None:
    def largest(name: str) -> int:
        graph = onnx.load(small(bert, Form(settings=Int8Dynamic(), target=TARGETS[name]))).graph
        return max(int(np.abs(onnx.numpy_helper.to_array(tensor).astype(int)).max()) for tensor in graph.initializer
                   if tensor.data_type == onnx.TensorProto.INT8)

    assert (largest("cpu-vnni"), largest("cpu-avx2")) == (127, 64)


def test_own_target_is_one_of_the_table() -> None:
    assert target("auto") in TARGETS.values()
    assert target("arm64").signed_activations


def test_scales_are_per_output_channel_where_that_is_asked_for(bert: Exported) -> None:
    def largest_scale(settings: Int8Dynamic) -> int:
        graph = onnx.load(small(bert, Form(settings=settings, target=VNNI))).graph
        scales = {node.input[1].removesuffix("_quantized") + "_scale" for node in graph.node if node.op_type == "MatMulInteger"}
        return max(int(np.prod(tensor.dims)) for tensor in graph.initializer if tensor.name in scales)

    assert largest_scale(Int8Dynamic(per_channel=True)) == 64  # the wider layer of the miniature
    assert largest_scale(Int8Dynamic(per_channel=False)) == 1


def test_source_is_untouched_and_nothing_else_is_left(bert: Exported, tmp_path: Path) -> None:
    before = {file.name: digest(file) for file in bert.folder.iterdir()}
    quantize(bert.file, tmp_path / "int8" / "model.onnx", DEFAULT)
    assert {file.name: digest(file) for file in bert.folder.iterdir()} == before
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*")] == ["int8", "int8/model.onnx"]


def test_onnxruntime_still_loses_a_softmax_between_int8() -> None:
    def answer(level: onnxruntime.GraphOptimizationLevel) -> np.ndarray:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        session = onnxruntime.InferenceSession(between_int8("Softmax").SerializeToString(), options)
        return np.asarray(session.run(None, {"x": np.random.default_rng(0).normal(scale=0.02, size=(4, 17)).astype(np.float32)})[0])

    levels = onnxruntime.GraphOptimizationLevel
    right, fused = answer(levels.ORT_ENABLE_BASIC), answer(levels.ORT_ENABLE_EXTENDED)
    assert np.abs(right.sum(axis=1) - 1).max() < 0.05
    assert np.ptp(right, axis=1).min() > 0.002
    assert np.abs(fused).max() == 0


def between_int8(operator: str) -> onnx.ModelProto:
    """A graph of one operator whose input and output are quantized, as static int8 writes it."""
    from onnx import TensorProto, helper

    make = helper.make_node
    scales = {"from": (3.3e-4, 122), "to": (2.4e-4, 0)}  # of a miniature of timm's ViT
    known = [helper.make_tensor(f"{name}_scale", TensorProto.FLOAT, [], [scale]) for name, (scale, _) in scales.items()]
    known += [helper.make_tensor(f"{name}_zero", TensorProto.UINT8, [], [zero]) for name, (_, zero) in scales.items()]
    nodes = [make("QuantizeLinear", ["x", "from_scale", "from_zero"], ["a"]), make("DequantizeLinear", ["a", "from_scale", "from_zero"], ["b"]),
             make(operator, ["b"], ["c"]), make("QuantizeLinear", ["c", "to_scale", "to_zero"], ["d"]),
             make("DequantizeLinear", ["d", "to_scale", "to_zero"], ["y"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 17])] for name in ("x", "y")]
    return helper.make_model(helper.make_graph(nodes, "made", *ends, known), opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@needs_optimum
def test_optimum_still_loads_the_processor_of_a_resnet_through_a_deprecated_class(tmp_path: Path) -> None:
    from optimum.utils.save_utils import maybe_load_preprocessors

    folder = tiny.write("resnet", tmp_path / "resnet")
    with pytest.warns(FutureWarning, match="The class ConvNextFeatureExtractor is deprecated"):
        maybe_load_preprocessors(folder)


def test_a_resnet_with_its_processor_is_quantized_without_a_warning(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    made = exported("resnet", tmp_path_factory.getbasetemp())
    folder = tiny.write("resnet", tmp_path / "resnet")
    shutil.copy2(made.file, folder / "model.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        quantize(folder / "model.onnx", tmp_path / "int8" / "model.onnx", DEFAULT)


def test_the_same_model_gives_the_same_file(bert: Exported, tmp_path: Path) -> None:
    for name in ("a", "b"):
        quantize(bert.file, tmp_path / name / "model.onnx", DEFAULT)
    assert digest(tmp_path / "a" / "model.onnx") == digest(tmp_path / "b" / "model.onnx")
