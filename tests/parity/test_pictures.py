"""Every picture architecture people fine-tune learns, is read back as it was, and answers alike as ONNX and as int8."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from finetune.backbones import adapters, anatomy, freeze, resolve, tiny
from finetune.contracts import Batch
from finetune.evaluate.infer import torch_infer
from finetune.export import line
from finetune.export.quantize import Form, quantize
from finetune.export.session import Session
from finetune.export.targets import TARGETS
from finetune.spec import Int8Static, Lora, Model
from finetune.train import loop
from finetune.train.progress import Progress
from tests.parity import setting

pytestmark = pytest.mark.slow
KINDS = (*tiny.IMAGE, *tiny.TIMM)
TOLERANCE = 1e-4
# Miniature -> the end of its head's name, its number of blocks, and the layers that get an adapter.
PARTS = {
    "vit": ("classifier", 2, 12), "resnet": ("classifier", 2, 5), "convnext": ("classifier", 2, 6),
    "efficientnet": ("classifier", 3, 11), "mobilenet_v2": ("classifier", 16, 32), "timm_vit": ("head", 2, 8),
    "timm_convnext": ("head", 4, 11), "timm_efficientnet": ("classifier", 5, 13), "timm_mobilenetv3": ("classifier", 6, 40),
}


@dataclass(frozen=True)
class Trained:
    """A miniature after three epochs, with its folder and its exported files."""

    kind: str
    folder: Path
    made: loop.Training
    reread: Any

    def batch(self, number: int) -> Batch:
        """Validation pictures, without their labels."""
        examples, task = self.made.validation, self.made.validation.task
        batch = task.collate([examples[i] for i in range(number)], examples.processor)
        return replace(batch, targets={})


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two micro-batches a step, with what each architecture leaves out at random."""
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    made = setting.training(kind, folder, train=replace(setting.epochs(3), lr=3e-3), options={"augmentations": ("shift",)})
    loop.fit(made, Progress())
    made.fitting.model.save_pretrained(folder / "model")
    task = made.validation.task
    found = Trained(kind, folder, made, resolve.reload(folder / "model", tiny.family(kind), task.head, attention="eager"))
    line.installed().export(found.reread, folder / "model.onnx", inputs=found.batch(1).inputs, task=task.onnx_task, opset=17)
    return found


def loaded(trained: Trained) -> Any:
    """The miniature as it was before training."""
    model = Model(name=str(trained.folder / trained.kind), family=tiny.family(trained.kind))
    return resolve.load(model, trained.made.validation.task.head, sample=False)


def test_every_miniature_has_its_parts_named() -> None:
    assert set(PARTS) == set(KINDS)


def test_loss_falls(trained: Trained) -> None:
    events = [json.loads(text) for text in (trained.folder / "log.jsonl").read_text().splitlines()]
    losses = [event["loss"] for event in events if event["event"] == "step"]
    assert len(losses) == 18
    assert np.mean(losses[-6:]) < np.mean(losses[:6])


def test_saved_model_answers_as_the_trained_one(trained: Trained) -> None:
    task, batch = trained.made.validation.task, trained.batch(7)
    kept, own = trained.reread.state_dict(), trained.made.fitting.model.state_dict()
    assert kept.keys() == own.keys()
    assert [name for name, value in own.items() if not torch.equal(value, kept[name])] == []
    expected = torch_infer(trained.made.fitting.model, task)(batch)[0]["logits"]
    np.testing.assert_allclose(torch_infer(trained.reread, task)(batch)[0]["logits"], expected, atol=1e-5)


@pytest.mark.parametrize("number", [1, 3, 7])
def test_onnx_answers_as_pytorch_does(number: int, trained: Trained) -> None:
    batch = trained.batch(number)
    expected = torch_infer(trained.reread, trained.made.validation.task)(batch)[0]["logits"]
    found = Session(trained.folder / "model.onnx", threads=1)(batch.inputs)["logits"]
    assert float(np.abs(found - expected).max()) <= TOLERANCE
    assert found.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()


def test_static_int8_gives_most_rows_the_label_of_pytorch(trained: Trained) -> None:
    given = trained.batch(40).inputs["pixel_values"]
    rows = ({"pixel_values": given[i : i + 1]} for i in range(len(given)))
    file = trained.folder / "int8" / "model.onnx"
    quantize(trained.folder / "model.onnx", file, Form(settings=Int8Static(), target=TARGETS["cpu-vnni"]), rows=rows)
    expected = Session(trained.folder / "model.onnx", threads=1)({"pixel_values": given})["logits"]
    found = Session(file, threads=1)({"pixel_values": given})["logits"]
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= 0.9


def test_head_blocks_and_layers_to_adapt_are_found(trained: Trained) -> None:
    head, num_blocks, num_layers = PARTS[trained.kind]
    fresh = loaded(trained)
    assert [name.rpartition(".")[2] for name in anatomy.head(fresh.model, fresh.fresh)] == [head]
    assert len(anatomy.blocks(fresh.model)) == num_blocks
    assert f" on {num_layers} layers (" in str(adapters.attach(fresh, Lora(rank=2)).note)


def test_a_step_changes_only_what_is_above_the_cut(trained: Trained) -> None:
    made = freeze.freeze(loaded(trained), 1)
    below = {name for name, weight in made.model.named_parameters() if not weight.requires_grad}
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    inputs = {name: torch.from_numpy(value) for name, value in trained.batch(8).inputs.items()}
    made.model.train()(**inputs).logits.logsumexp(dim=1).sum().backward()
    torch.optim.SGD([weight for weight in made.model.parameters() if weight.requires_grad], lr=0.5).step()
    changed = {name for name, value in made.model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and below
    assert changed & below == set()
