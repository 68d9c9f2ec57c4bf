"""ONNX files of miniature backbones, which the tests of quantizing, predicting and the gate draw on, against PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from finetune.backbones import hf, resolve, timm, tiny
from finetune.contracts import Batch
from finetune.errors import ExportError
from finetune.evaluate.infer import torch_infer
from finetune.export import line, optimum
from finetune.export.session import Session
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification
from tests.parity import setting

# Narrow convolutions answer alike before they are trained: those are exported in tests/parity/test_pictures.py.
KINDS = (*tiny.TEXT, "vit", "resnet", "resnet10t")
LABELS = ("amber", "blue", "coral")
BATCHES = (1, 3, 7, 32)
LENGTHS = (1, 17, 160)  # tokens; the last is the longest input of the miniatures
TOLERANCE = 1e-4
needs_optimum = pytest.mark.skipif(line.installed() is not optimum, reason="of Optimum, on the line of transformers 4")
pytestmark = pytest.mark.lines


@dataclass(frozen=True)
class Exported:
    """A model folder, the model that was read back from it, and its ONNX file inside the folder."""

    folder: Path
    model: Any
    task: Any
    processor: Any
    family: str

    @property
    def file(self) -> Path:
        return self.folder / "model.onnx"


def exported(kind: str, base: Path) -> Exported:
    """The export of a miniature with spread-out weights, so that rows get different labels; made once per `base`."""
    torch.set_num_threads(1)
    is_text, family = kind in tiny.TEXT, "timm" if kind == "resnet10t" else "hf"
    task: Any = TextClassification(labels=LABELS, max_tokens=160) if is_text else ImageClassification(labels=LABELS, image_size=32)
    backbone, folder = base / "backbones" / kind, base / "exported" / kind
    if family == "hf" and not backbone.is_dir():
        tiny.write(kind, backbone, words=setting.WORDS)
    torch.manual_seed(0)
    loaded = hf.load(backbone, task.head) if family == "hf" else timm.random(kind, task.head)
    if not folder.is_dir():
        torch.manual_seed(6)  # the lines draw differently until here; with this seed every miniature gives several labels
        for weight in loaded.model.parameters():
            if weight.ndim == 2:
                torch.nn.init.normal_(weight, std=0.3)
        loaded.model.save_pretrained(folder)
    made = Exported(folder, resolve.reload(folder, family, task.head), task, loaded.processor, family)
    if not made.file.is_file():
        export(made, made.file)
    return made


def export(made: Exported, file: Path, *, opset: int = 17) -> Any:
    """Write the model anew, on the library line that is installed; returns what was exported."""
    model = resolve.reload(made.folder, made.family, made.task.head, attention="eager")
    line.installed().export(model, file, inputs=made_up_inputs(made, 1, 5), task=made.task.onnx_task, opset=opset)
    return model


def made_up_inputs(made: Exported, batch: int, length: int) -> dict[str, np.ndarray]:
    """Random tokens with padding at the end of some rows, or noise on random colours."""
    random = np.random.default_rng(batch * 1000 + length)
    if isinstance(made.task, ImageClassification):
        colours = random.normal(scale=3.0, size=(batch, 3, 1, 1))
        return {"pixel_values": (colours + random.normal(size=(batch, 3, 32, 32))).astype(np.float32)}
    lengths = random.integers(1, length + 1, size=batch)
    lengths[0] = length
    mask = (np.arange(length) < lengths[:, None]).astype(np.int64)
    ids = mask * random.integers(2, made.model.config.vocab_size, size=(batch, length))
    found = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return {name: found[name] for name in made.processor.inputs}


def answers(made: Exported, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """PyTorch's logits."""
    output, _ = torch_infer(made.model, made.task)(Batch(inputs, {}, len(next(iter(inputs.values())))))
    return np.asarray(output["logits"])


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(request.param, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported("bert", tmp_path_factory.getbasetemp())


def test_every_miniature_is_exported() -> None:
    from tests.parity import test_pictures

    assert set(KINDS) | set(test_pictures.KINDS) == {*tiny.TEXT, *tiny.IMAGE, *tiny.TIMM, "resnet10t"}


@pytest.mark.parametrize("batch", BATCHES)
def test_onnx_answers_as_pytorch_does(batch: int, made: Exported) -> None:
    session = Session(made.file, threads=1)
    for length in LENGTHS if isinstance(made.task, TextClassification) else (0,):
        inputs = made_up_inputs(made, batch, length)
        expected = answers(made, inputs)
        found = session(inputs)
        assert list(found) == ["logits"]
        assert (found["logits"].shape, found["logits"].dtype) == ((batch, 3), np.float32)
        assert float(np.abs(found["logits"] - expected).max()) <= TOLERANCE
        assert found["logits"].argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()


def test_answers_differ_between_rows(made: Exported) -> None:
    logits = answers(made, made_up_inputs(made, 32, 17))
    assert np.ptp(logits, axis=0).max() > 100 * TOLERANCE  # else the comparison above could not fail


def test_padding_does_not_change_the_answer(bert: Exported) -> None:
    session, inputs = Session(bert.file, threads=1), made_up_inputs(bert, 3, 17)
    wider = {name: np.pad(value, ((0, 0), (0, 40))) for name, value in inputs.items()}
    np.testing.assert_allclose(session(wider)["logits"], session(inputs)["logits"], atol=TOLERANCE)


def test_batch_and_sequence_axes_are_free(made: Exported) -> None:
    for item in onnx.load(made.file).graph.input:
        sizes = [axis.dim_param or axis.dim_value for axis in item.type.tensor_type.shape.dim]
        assert isinstance(sizes[0], str)
        assert isinstance(made.task, ImageClassification) or isinstance(sizes[1], str)


def test_file_is_whole_and_nothing_else_is_left(made: Exported) -> None:
    onnx.checker.check_model(str(made.file), full_check=True)
    assert sorted(entry.name for entry in made.folder.iterdir()) == ["config.json", "model.onnx", "model.safetensors"]


@pytest.mark.parametrize("opset", [14 if line.installed() is optimum else 17, 20])
def test_operator_set_is_the_one_asked_for(opset: int, bert: Exported, tmp_path: Path) -> None:
    export(bert, tmp_path / "model.onnx", opset=opset)
    assert {entry.domain: entry.version for entry in onnx.load(tmp_path / "model.onnx").opset_import} == {"": opset}
    inputs = made_up_inputs(bert, 3, 17)
    np.testing.assert_allclose(Session(tmp_path / "model.onnx")(inputs)["logits"], answers(bert, inputs), atol=TOLERANCE)


def test_earlier_file_is_replaced(bert: Exported, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"an earlier export")
    export(bert, file)
    assert Session(file)(made_up_inputs(bert, 1, 5))["logits"].shape == (1, 3)


def test_model_is_as_it_was_after_exporting(bert: Exported, tmp_path: Path) -> None:
    model = export(bert, tmp_path / "model.onnx")
    assert not model.training
    assert all(torch.equal(value, bert.model.state_dict()[name]) for name, value in model.state_dict().items())


@needs_optimum
@pytest.mark.parametrize(("kind", "task", "reason"), [
    ("bert", "question-answering", None), ("vit", "image-classification", None), ("t5", "text2text-generation-with-past", None),
    ("fnet", "text-classification", "is of the architecture 'fnet', which Optimum cannot export. Choose another backbone (model.name=...)"),
    ("modernbert", "question-answering", "is of the architecture 'modernbert', which Optimum cannot export for question-answering (only for "
     "feature-extraction, fill-mask, text-classification, token-classification). Choose another backbone (model.name=...)"),
])
def test_what_optimum_cannot_export_is_known_beforehand(kind: str, task: str, reason: str | None) -> None:
    from transformers import AutoConfig

    assert optimum.refuses(AutoConfig.for_model(kind).to_dict(), task) == reason


@needs_optimum
def test_architecture_that_optimum_does_not_know_is_refused(tmp_path: Path) -> None:
    from transformers import FNetConfig, FNetForSequenceClassification

    model = FNetForSequenceClassification(FNetConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, intermediate_size=8))
    with pytest.raises(ExportError, match=r"export: Optimum cannot export the architecture 'fnet': .+ Choose another backbone") as caught:
        optimum.export(model.eval(), tmp_path / "model.onnx", inputs={}, task="text-classification", opset=17)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
