"""What is frozen is frozen: weights without gradients, batch norms that keep their statistics, and a note that counts."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from finetune.backbones import freeze, hf, timm, tiny
from finetune.contracts import Loaded
from finetune.errors import BackboneError
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification

TEXT, IMAGE = TextClassification(labels=("a", "b")), ImageClassification(labels=("a", "b"))
KINDS = ("bert", "distilbert", "vit", "resnet")
VIT = "vit.encoder.layer" if hf.MAJOR < 5 else "vit.layers"


@pytest.fixture(scope="module")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    """A pretrained miniature per architecture, and a ResNet of timm that passes for one."""
    torch.set_num_threads(1)
    found = {}
    for kind in KINDS:
        folder = tiny.write(kind, tmp_path_factory.mktemp(kind), words=[f"word{i}" for i in range(30)])
        found[kind] = replace(hf.load(folder, (TEXT if kind in tiny.TEXT else IMAGE).head), source="folder", name=kind)
    staged = timm.random("resnet10t", IMAGE.head)
    for name, weight in staged.model.named_parameters():
        if name.endswith("bn2.weight"):  # timm begins there at nought, which lets no gradient through
            torch.nn.init.ones_(weight)
    return found | {"resnet10t": replace(staged, source="folder")}


def fresh(loaded: Loaded) -> Loaded:
    return replace(loaded, model=copy.deepcopy(loaded.model))


def inputs(kind: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"input_ids": torch.randint(5, 30, (8, 9))} if kind in tiny.TEXT else {"pixel_values": torch.randn(8, 3, 32, 32)}


def step(model: Any, kind: str) -> None:
    """As `train_step` does it: training mode everywhere, then a step of whatever has a gradient."""
    model.train()
    model(**inputs(kind)).logits.logsumexp(dim=1).sum().backward()
    torch.optim.SGD([weight for weight in model.parameters() if weight.requires_grad], lr=0.5).step()


FROZEN = [
    ("bert", "embeddings", "bert.embeddings"),
    ("bert", 1, "bert.embeddings bert.encoder.layer.0"),
    ("bert", 2, "bert.embeddings bert.encoder.layer"),
    ("bert", "backbone", "bert.embeddings bert.encoder.layer"),
    ("distilbert", 1, "distilbert.embeddings distilbert.transformer.layer.0"),
    ("distilbert", "backbone", "distilbert"),
    ("vit", 1, f"vit.embeddings {VIT}.0"),
    ("vit", 2, f"vit.embeddings {VIT}"),
    ("vit", "backbone", "vit"),
    ("resnet", "embeddings", "resnet.embedder"),
    ("resnet", 1, "resnet.embedder resnet.encoder.stages.0"),
    ("resnet", "backbone", "resnet"),
    ("resnet10t", 2, "timm_model.conv1 timm_model.bn1 timm_model.layer1 timm_model.layer2"),
]


@pytest.mark.parametrize(("kind", "depth", "parts"), FROZEN)
def test_a_step_changes_what_is_above_the_cut_and_nothing_below(kind: str, depth: Any, parts: str, backbones: dict[str, Loaded]) -> None:
    made = freeze.freeze(fresh(backbones[kind]), depth)
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    step(made.model, kind)
    changed = {name for name, value in made.model.state_dict().items() if not torch.equal(value, before[name])}
    below = {name for name in before if name.startswith(tuple(f"{part}." for part in parts.split()))}
    assert changed and below
    assert changed & below == set()
    still = {name for name in before if name not in changed | below}
    assert not [name for name in still if not name.endswith(("position_ids", "key.bias", "k_lin.bias"))], still
    trained = sum(weight.numel() for name, weight in made.model.named_parameters() if name not in below)
    assert (made.num_trained, made.num_weights) == (trained, backbones[kind].num_weights)


@pytest.mark.parametrize(("kind", "below", "above"), [
    ("resnet", "resnet.encoder.stages.0.layers.0.layer.0.normalization", "resnet.encoder.stages.1.layers.0.layer.0.normalization"),
    ("resnet10t", "timm_model.layer1.0.bn1", "timm_model.layer2.0.bn1"),
])
def test_statistics_of_frozen_batch_norms_stay_and_those_of_trained_ones_move(
    kind: str, below: str, above: str, backbones: dict[str, Loaded]
) -> None:
    made = freeze.freeze(fresh(backbones[kind]), 1)
    model = copy.deepcopy(made.model)  # as the probe does it; the copy is its own model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    step(model, kind)
    after = model.state_dict()
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.equal(after[f"{below}.{name}"], before[f"{below}.{name}"])
        assert not torch.equal(after[f"{above}.{name}"], before[f"{above}.{name}"])
    assert all(torch.equal(value, before[name]) for name, value in made.model.state_dict().items())


def test_frozen_batch_norms_answer_in_training_as_in_evaluation(backbones: dict[str, Loaded]) -> None:
    model = freeze.freeze(fresh(backbones["resnet"]), "backbone").model
    with torch.no_grad():
        assert torch.equal(model.train()(**inputs("resnet")).logits, model.eval()(**inputs("resnet")).logits)


def test_note_counts_and_keeps_what_was_said_before(backbones: dict[str, Loaded]) -> None:
    made = freeze.freeze(replace(fresh(backbones["bert"]), note="said before"), 1)
    assert made.note == (f"said before; the embeddings or the stem and 1 of 2 blocks are frozen: {made.num_trained:,} of "
                         f"{made.num_weights:,} weights are trained ({made.num_trained / made.num_weights:.2%}), head included")


def test_norm_that_the_file_did_not_bring_is_trained_with_the_head(tmp_path: Path) -> None:
    folder = tiny.write("vit", tmp_path)
    kept = {name: value for name, value in load_file(folder / "model.safetensors").items() if not name.startswith("layernorm")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    made = freeze.freeze(replace(hf.load(folder, IMAGE.head), source="folder"), "backbone")
    trained = [name for name, weight in made.model.named_parameters() if weight.requires_grad]
    assert trained == ["vit.layernorm.weight", "vit.layernorm.bias", "classifier.weight", "classifier.bias"]


@pytest.mark.parametrize(("kind", "count"), [("bert", 2), ("vit", 2), ("resnet", 2), ("resnet10t", 4)])
def test_more_blocks_than_there_are_is_refused_with_their_number(kind: str, count: int, backbones: dict[str, Loaded]) -> None:
    with pytest.raises(BackboneError, match=rf"^train.freeze: 9: {backbones[kind].name} has {count} blocks. Use 1 to {count}, "
                                            "or 'backbone' to train the head alone.$"):
        freeze.freeze(backbones[kind], 9)


def test_network_without_blocks_can_only_be_frozen_whole(backbones: dict[str, Loaded]) -> None:
    class Flat(torch.nn.Module):
        base_model_prefix = ""

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 2)

    with pytest.raises(BackboneError, match=r"^train.freeze: 1: no row of blocks was found in flat. Use 'backbone'"):
        freeze.freeze(replace(backbones["bert"], model=Flat(), name="flat"), 1)


def test_random_weights_are_refused(backbones: dict[str, Loaded]) -> None:
    with pytest.raises(BackboneError, match=r"^train.freeze: backbone: resnet starts from random weights here"):
        freeze.freeze(replace(backbones["resnet"], source="random"), "backbone")
