"""The line of transformers 5: its quantizer against Optimum's, and what its exporter leaves out of a file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch

from finetune.errors import ExportError
from finetune.export import line, native, optimum, quantize
from finetune.export.quantize import Form
from finetune.export.session import Session
from finetune.export.targets import TARGETS
from finetune.spec import Int8Dynamic, Int8Static
from tests.unit.test_export_optimum import Exported, export, exported, made_up_inputs, needs_optimum
from tests.unit.test_export_quantize import calibration

needs_native = pytest.mark.skipif(line.installed() is not native, reason="of transformers 5, on its own line")
VNNI, ARM = TARGETS["cpu-vnni"], TARGETS["arm64"]
FORMS = {
    "dynamic": Form(settings=Int8Dynamic(), target=VNNI),
    "unsigned": Form(settings=Int8Dynamic(per_channel=False), target=TARGETS["cpu-avx2"], unsigned_weights=True),
    "minmax": Form(settings=Int8Static(), target=VNNI),
    "entropy": Form(settings=Int8Static(ranges="entropy"), target=VNNI),
    "percentile": Form(settings=Int8Static(ranges="percentile"), target=ARM),
}


@pytest.fixture(scope="module", params=["bert", "resnet"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(request.param, tmp_path_factory.getbasetemp())


@needs_optimum
@pytest.mark.parametrize("name", FORMS)
def test_both_quantizers_write_the_same_model(name: str, made: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, found = made_up_inputs(made, 16, 17), []
    for side in (optimum, native):
        monkeypatch.setattr(line, "installed", lambda side=side: side)
        file = tmp_path / side.__name__ / "model.onnx"
        quantize.quantize(made.file, file, FORMS[name], rows=calibration(made))
        found.append((sorted(node.op_type for node in onnx.load(file).graph.node), Session(file, threads=1)(inputs)["logits"]))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_line_is_that_of_the_transformers_that_is_installed() -> None:
    import transformers

    assert line.installed() is (optimum if transformers.__version__.startswith("4.") else native)


@needs_native
@pytest.mark.lines
def test_no_path_of_the_machine_stands_in_a_graph(made: Exported) -> None:
    content = made.file.read_bytes()
    assert b"site-packages" not in content
    assert str(Path(native.__file__).parents[2]).encode() not in content


@needs_native
@pytest.mark.lines
def test_free_axes_have_the_names_that_optimum_gives_them(made: Exported) -> None:
    graph = onnx.load(made.file).graph
    named = {item.name: [size.dim_param for size in item.type.tensor_type.shape.dim if size.dim_param] for item in graph.input}
    wanted = ["batch_size", "sequence_length"] if made.folder.name == "bert" else ["batch_size"]
    assert named == dict.fromkeys(made.processor.inputs if made.folder.name == "bert" else ["pixel_values"], wanted)
    assert [size.dim_param for size in graph.output[0].type.tensor_type.shape.dim] == ["batch_size", ""]


@needs_native
@pytest.mark.lines
def test_the_same_model_is_the_same_file(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    made = exported("resnet", tmp_path_factory.getbasetemp())
    export(made, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == made.file.read_bytes()


def reduced_and_split() -> onnx.ModelProto:
    """Halves of rows and their means, in operator set 18."""
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
             helper.make_node("ReduceMean", ["a", "axes"], ["m"], keepdims=1, noop_with_empty_axes=0), helper.make_node("Add", ["m", "b"], ["y"])]
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width]) for name, width in (("x", 4), ("y", 2))]
    graph = helper.make_graph(nodes, "g", sides[:1], sides[1:], [helper.make_tensor("axes", TensorProto.INT64, [1], [1])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.lines
def test_onnx_still_stumbles_over_reductions_and_splits() -> None:
    from onnx import version_converter

    with pytest.raises(RuntimeError, match="No Adapter From Version .18 for Split"):
        version_converter.convert_version(reduced_and_split(), 17)
    model = reduced_and_split()
    model.graph.node[0].op_type, model.graph.node[0].domain = "Own", "own"
    model.opset_import.append(onnx.helper.make_opsetid("own", 1))
    converted = version_converter.convert_version(model, 17)
    assert any(item.name == "noop_with_empty_axes" for node in converted.graph.node for item in node.attribute)


@pytest.mark.lines
def test_older_set_computes_the_same(tmp_path: Path) -> None:
    onnx.save(native._older(reduced_and_split(), 17), tmp_path / "model.onnx")
    onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)
    found = Session(tmp_path / "model.onnx")({"x": np.array([[1, 3, 10, 20]], np.float32)})
    np.testing.assert_array_equal(found["y"], [[12, 22]])
    assert [(item.domain, item.version) for item in onnx.load(tmp_path / "model.onnx").opset_import] == [("", 17)]


@pytest.mark.lines
@pytest.mark.parametrize(("kind", "task", "refused"), [
    ("bert", "text-classification", False), ("fnet", "text-classification", False), ("bart", "text-classification", True),
    ("t5", "text2text-generation-with-past", True),
])
def test_encoders_with_decoders_are_refused_beforehand(kind: str, task: str, refused: bool) -> None:
    from transformers import AutoConfig

    reason = native.refuses(AutoConfig.for_model(kind).to_dict(), task)
    assert reason == (f"{native.WRITES}. Start it there" if refused else None)


@needs_native
@pytest.mark.lines
def test_operator_set_that_is_too_old_is_refused(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    made = exported("bert", tmp_path_factory.getbasetemp())
    with pytest.raises(ExportError, match=r"export.opset: 14 found, and this graph cannot .+LayerNormalization.+ Use 18 or later\."):
        export(made, tmp_path / "model.onnx", opset=14)
    assert list(tmp_path.iterdir()) == []


@needs_native
@pytest.mark.lines
def test_architecture_that_cannot_be_traced_is_refused(tmp_path: Path) -> None:
    class Reading(torch.nn.Module):
        config = SimpleNamespace(model_type="reading", to_dict=dict)

        def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
            return pixel_values if float(pixel_values.sum()) > 0 else -pixel_values

    with pytest.raises(ExportError, match=r"export: transformers cannot export the architecture 'reading': .+ Choose another backbone") as caught:
        native.export(Reading(), tmp_path / "model.onnx", inputs={"pixel_values": np.ones((1, 3, 4, 4), np.float32)}, task="", opset=18)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@needs_native
@pytest.mark.lines
def test_models_that_write_texts_are_sent_to_the_default_line(tmp_path: Path) -> None:
    model = SimpleNamespace(config=SimpleNamespace(to_dict=lambda: {"model_type": "t5", "is_encoder_decoder": True}))
    with pytest.raises(ExportError, match=r"export: the model has an encoder and a decoder, which Optimum .+ run `finetune export RUN` there\."):
        native.export(model, tmp_path / "encoder_model.onnx", inputs={}, task="", opset=17)
    assert list(tmp_path.iterdir()) == []
