"""int8 files: smaller, close, and quantized where it pays."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest

from finetune.backbones import tiny
from finetune.export.quantize import quantize
from finetune.export.session import Session
from finetune.spec import Int8Dynamic
from finetune.write import digest
from tests.unit.test_export_optimum import KINDS, Exported, answers, exported, made_up_inputs

TRANSFORMERS = ("bert", "distilbert", "vit")
DEFAULT = Int8Dynamic()


def small(made: Exported, settings: Int8Dynamic = DEFAULT) -> Path:
    """The int8 file of a miniature, made once."""
    file = made.folder.parent / f"{made.folder.name}-int8-{settings.per_channel}" / "model.onnx"
    if not file.is_file():
        quantize(made.file, file, settings)
    return file


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


def test_scales_are_per_output_channel_where_that_is_asked_for(bert: Exported) -> None:
    def largest_scale(settings: Int8Dynamic) -> int:
        tensors = onnx.load(small(bert, settings)).graph.initializer
        return max(int(np.prod(tensor.dims)) for tensor in tensors if tensor.name.endswith("_scale") and "MatMul" in tensor.name)

    assert largest_scale(Int8Dynamic(per_channel=True)) == 64  # the wider layer of the miniature
    assert largest_scale(Int8Dynamic(per_channel=False)) == 1


def test_source_is_untouched_and_nothing_else_is_left(bert: Exported, tmp_path: Path) -> None:
    before = {file.name: digest(file) for file in bert.folder.iterdir()}
    quantize(bert.file, tmp_path / "int8" / "model.onnx", Int8Dynamic())
    assert {file.name: digest(file) for file in bert.folder.iterdir()} == before
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*")] == ["int8", "int8/model.onnx"]


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
        quantize(bert.file, tmp_path / name / "model.onnx", Int8Dynamic())
    assert digest(tmp_path / "a" / "model.onnx") == digest(tmp_path / "b" / "model.onnx")
