"""Fused and halved graphs of miniatures: what is fused is counted, and answers stay those of PyTorch."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto

from finetune.export import line, manifest, native, optimum
from finetune.export.optimize import fusions, halve, optimize
from finetune.export.quantize import Form, quantize
from finetune.export.session import SLOWER_FUSIONS, Session
from finetune.export.targets import TARGETS
from finetune.spec import Int8Dynamic
from finetune.write import digest
from tests.unit.test_export_optimum import KINDS, TOLERANCE, Exported, answers, exported, made_up_inputs, needs_optimum

FORM = Form(settings=Int8Dynamic(), target=TARGETS["cpu-vnni"])
EXPECTED = {  # ONNX Runtime 1.31 knows the attention of BERT alone among them
    "bert": {"Attention": 2, "BiasGelu": 2}, "modernbert": {"Gelu": 3}, "distilbert": {"BiasGelu": 2}, "roberta": {"Attention": 2, "BiasGelu": 2}, "vit": {"BiasGelu": 2},
    "resnet": None, "resnet10t": None,
}
if line.installed() is native:  # attention is traced in parts that no pattern of ONNX Runtime 1.31 knows, ModernBERT's GELU too (docs/lines.md)
    EXPECTED |= {"bert": {"BiasGelu": 2}, "roberta": {"BiasGelu": 2}, "modernbert": None}
ATTENTION = {"Attention": 2} if line.installed() is optimum else {}
fuses_attention = pytest.mark.skipif(not ATTENTION, reason="attention layers are fused on the line of transformers 4 alone")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported("bert", tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def fused(bert: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("fused") / "optimized" / "model.onnx"
    optimize(bert.file, file, "O2")
    return file


@pytest.fixture(scope="module")
def small(fused: Path) -> Path:
    """int8 made of the fused graph."""
    file = fused.parents[1] / "int8" / "model.onnx"
    quantize(fused, file, FORM)
    return file


def kinds(file: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(file).graph.node)


def difference(file: Path, made: Exported, inputs: dict[str, np.ndarray]) -> float:
    return float(np.abs(Session(file, threads=1)(inputs)["logits"] - answers(made, inputs)).max())


@pytest.mark.parametrize("kind", KINDS)
def test_fused_layers_are_counted_and_compute_as_pytorch_does(kind: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = exported(kind, tmp_path_factory.getbasetemp())
    file = tmp_path / "optimized" / "model.onnx"
    assert optimize(made.file, file, "O2") == EXPECTED[kind]
    if EXPECTED[kind] is None:
        assert list(tmp_path.iterdir()) == []
        return
    assert [entry.relative_to(tmp_path).as_posix() for entry in tmp_path.rglob("*")] == ["optimized", "optimized/model.onnx"]
    for batch, length in ((1, 1), (3, 17), (7, 160)):
        assert difference(file, made, made_up_inputs(made, batch, length)) <= TOLERANCE


@pytest.mark.parametrize(("level", "expected"), [("O1", {}), ("O3", {**ATTENTION, "FastGelu": 2})])
def test_level_decides_what_is_fused(level: Any, expected: dict[str, int], bert: Exported, tmp_path: Path) -> None:
    file = tmp_path / "optimized" / "model.onnx"
    assert optimize(bert.file, file, level) == expected
    gap = difference(file, bert, made_up_inputs(bert, 7, 17))
    assert gap <= TOLERANCE if level == "O1" else TOLERANCE < gap < 1e-2  # the approximation shows


def test_mask_may_leave_out_tokens_at_either_end(bert: Exported, fused: Path) -> None:
    inputs = made_up_inputs(bert, 3, 17)
    inputs["attention_mask"] = inputs["attention_mask"][:, ::-1].copy()
    assert difference(fused, bert, inputs) <= TOLERANCE


def test_sums_are_fused_with_normalizations_for_gpus_alone(bert: Exported, fused: Path, tmp_path: Path) -> None:
    found = optimize(bert.file, tmp_path / "optimized" / "model.onnx", "O2", gpu=True)
    assert found == {**ATTENTION, "SkipLayerNormalization": 4, "BiasGelu": 2}
    assert kinds(fused)["SkipLayerNormalization"] == 0


@pytest.mark.parametrize(("left_out", "number"), [([], 4), (SLOWER_FUSIONS, 0)])
def test_runtime_fuses_sums_of_int8_unless_it_is_told_not_to(left_out: list[str], number: int, small: Path, tmp_path: Path) -> None:
    options = ort.SessionOptions()
    options.log_severity_level, options.optimized_model_filepath = 3, str(tmp_path / "as_run.onnx")
    ort.InferenceSession(str(small), options, providers=["CPUExecutionProvider"], disabled_optimizers=left_out)
    assert kinds(tmp_path / "as_run.onnx")["SkipLayerNormalization"] == number


def test_layers_that_were_there_before_are_not_counted(fused: Path) -> None:
    assert fusions(fused, before=fused) == {}


def test_source_is_untouched(bert: Exported, tmp_path: Path) -> None:
    before = {file.name: digest(file) for file in bert.folder.iterdir()}
    optimize(bert.file, tmp_path / "optimized" / "model.onnx", "O2")
    assert {file.name: digest(file) for file in bert.folder.iterdir()} == before


@pytest.fixture
def outside(bert: Exported, tmp_path: Path) -> Path:
    """The graph of a model whose weights lie in a file beside it."""
    shutil.copy2(bert.folder / "config.json", tmp_path / "config.json")
    onnx.save(onnx.load(bert.file), tmp_path / "model.onnx", save_as_external_data=True, location="model.onnx_data", size_threshold=0)
    return tmp_path / "model.onnx"


def test_graph_with_weights_outside_is_left_alone(outside: Path) -> None:
    assert optimize(outside, outside.parent / "optimized" / "model.onnx", "O2") is None
    assert sorted(entry.name for entry in outside.parent.iterdir()) == ["config.json", "model.onnx", "model.onnx_data"]


@needs_optimum
def test_optimum_still_deletes_weights_beside_the_source(outside: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    from optimum.onnxruntime import ORTOptimizer
    from optimum.onnxruntime.configuration import OptimizationConfig

    ORTOptimizer.from_pretrained(outside.parent).optimize(OptimizationConfig(optimization_level=1), tmp_path_factory.mktemp("away"))
    assert not outside.with_name("model.onnx_data").exists()


@fuses_attention
def test_attention_of_a_fused_graph_becomes_int8_as_a_whole(bert: Exported, fused: Path, small: Path) -> None:
    found = kinds(small)
    assert (found["QAttention"], found["Attention"], found["MatMul"]) == (2, 0, 0)
    assert small.stat().st_size < fused.stat().st_size
    inputs = made_up_inputs(bert, 200, 17)
    labels = Session(small, threads=1)(inputs)["logits"].argmax(axis=1)
    assert np.mean(labels == answers(bert, inputs).argmax(axis=1)) >= 0.9


def test_quantizer_still_needs_the_types_that_fusing_leaves_out(fused: Path, tmp_path: Path) -> None:
    model = onnx.load(fused)
    del model.graph.value_info[:]
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(RuntimeError, match="Unable to find data type"):
        quantize(tmp_path / "model.onnx", tmp_path / "int8" / "model.onnx", FORM)


@pytest.mark.parametrize("kind", KINDS)
def test_halved_model_has_weights_of_half_the_width_and_answers_the_same_calls(kind: str, tmp_path: Path,
                                                                               tmp_path_factory: pytest.TempPathFactory) -> None:
    made = exported(kind, tmp_path_factory.getbasetemp())
    file = tmp_path / "fp16" / "model.onnx"
    halve(made.file, file)
    graph = onnx.load(file).graph
    assert TensorProto.FLOAT not in {tensor.data_type for tensor in graph.initializer}
    assert [value.type.tensor_type.elem_type for value in graph.output] == [TensorProto.FLOAT]
    inputs = made_up_inputs(made, 64, 17)
    found, expected = Session(file, threads=1)(inputs)["logits"], answers(made, inputs)
    assert 0 < float(np.abs(found - expected).max()) < 0.02
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= 0.95


def test_fused_graph_can_be_halved(bert: Exported, tmp_path: Path) -> None:
    optimize(bert.file, tmp_path / "fused" / "model.onnx", "O2", gpu=True)
    halve(tmp_path / "fused" / "model.onnx", tmp_path / "fp16" / "model.onnx")
    assert kinds(tmp_path / "fp16" / "model.onnx")["Attention"] == len(ATTENTION) * 2
    assert difference(tmp_path / "fp16" / "model.onnx", bert, made_up_inputs(bert, 7, 17)) < 0.02


def test_what_is_written_passes_the_screen(bert: Exported, fused: Path, small: Path, tmp_path: Path) -> None:
    for name, file in (("optimized", fused), ("int8", small)):
        shutil.copytree(file.parent, tmp_path / name)
    halve(fused, tmp_path / "fp16" / "model.onnx")
    for name in ("optimized", "int8", "fp16"):
        manifest.write(tmp_path, default=f"{name}/model.onnx")
        assert manifest.check(tmp_path) == f"{name}/model.onnx"
