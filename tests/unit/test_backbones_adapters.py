"""Adapters: which layers get one, what is trained, and that merging changes nothing but the form."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from safetensors.torch import load_file

from finetune.backbones import adapters, hf, tiny
from finetune.contracts import Loaded
from finetune.errors import BackboneError
from finetune.spec import Lora
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification
from tests.unit.test_backbones_anatomy import built

TEXT, IMAGE = TextClassification(labels=("a", "b", "c")), ImageClassification(labels=("a", "b", "c"))
KINDS = ("bert", "distilbert", "vit", "resnet")
METHODS: tuple[Literal["lora", "rslora", "dora"], ...] = ("lora", "rslora", "dora")
BERT = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "intermediate.dense",
        "output.dense"]
VIT = ["attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense",
       "intermediate.dense", "output.dense"]
SWIN = BERT
if hf.MAJOR >= 5:  # the names inside a model; those in its file stayed
    VIT = SWIN = ["attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj", "mlp.fc1", "mlp.fc2"]
HEADS = {"bert": ("bert.pooler", "classifier"), "distilbert": ("pre_classifier", "classifier"), "vit": ("classifier",),
         "resnet": ("classifier",)}


@pytest.fixture(scope="module")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    """A pretrained miniature per architecture."""
    torch.set_num_threads(1)
    found = {}
    for kind in KINDS:
        folder = tiny.write(kind, tmp_path_factory.mktemp(kind), words=[f"word{i}" for i in range(30)])
        found[kind] = replace(hf.load(folder, (TEXT if kind in tiny.TEXT else IMAGE).head), source="folder", name=f"me/{kind}")
    return found


def attached(loaded: Loaded, lora: Lora) -> Loaded:
    """With adapters, on a copy."""
    return adapters.attach(replace(loaded, model=copy.deepcopy(loaded.model)), lora)


def inputs(kind: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"input_ids": torch.randint(5, 30, (8, 9))} if kind in tiny.TEXT else {"pixel_values": torch.randn(8, 3, 32, 32)}


def trained(model: Any, kind: str, *, num_steps: int = 3) -> None:
    """Steps as the loop takes them, large enough to be seen."""
    adam = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=0.02)
    for _ in range(num_steps):
        model.train()
        logits = model(**inputs(kind)).logits
        torch.nn.functional.cross_entropy(logits, torch.arange(8) % 3).backward()
        adam.step()
        adam.zero_grad()
    model.eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_only_adapters_and_head_change(method: Literal["lora", "rslora", "dora"], kind: str, backbones: dict[str, Loaded]) -> None:
    made = attached(backbones[kind], Lora(method=method))
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    trained(made.model, kind)
    changed = {name for name, value in made.model.state_dict().items() if not torch.equal(value, before[name])}
    expected = {name for name in before if ".lora_" in name or ".modules_to_save." in name}
    assert changed == expected
    assert {name.split(".modules_to_save.")[0].removeprefix("base_model.model.") for name in changed
            if "modules_to_save" in name} == set(HEADS[kind])
    assert any("magnitude" in name for name in changed) is (method == "dora")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_merged_model_answers_as_the_adapted_one(method: Literal["lora", "rslora", "dora"], kind: str, backbones: dict[str, Loaded]) -> None:
    model = attached(backbones[kind], Lora(method=method)).model
    trained(model, kind)
    with torch.inference_mode():
        adapted = model(**inputs(kind)).logits
        plain = adapters.merge(model)
        merged = plain(**inputs(kind)).logits
        pretrained = backbones[kind].model.eval()(**inputs(kind)).logits
    assert plain.state_dict().keys() == backbones[kind].model.state_dict().keys()
    assert (adapted - pretrained).abs().max() > 0.01  # there was something to merge
    # 1e-6 of the largest logit, or of 1 where all are smaller: float32 has no more digits
    assert (merged - adapted).abs().max() <= 1e-6 * max(1.0, float(adapted.abs().max()))


@pytest.mark.parametrize("kind", KINDS)
def test_new_adapter_changes_no_answer_yet(kind: str, backbones: dict[str, Loaded]) -> None:
    model = attached(backbones[kind], Lora()).model.eval()
    with torch.inference_mode():
        torch.testing.assert_close(model(**inputs(kind)).logits, backbones[kind].model.eval()(**inputs(kind)).logits)


@pytest.mark.parametrize(("kind", "count", "names"), [
    ("bert", 12, BERT),
    ("distilbert", 12, ["attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "ffn.lin1", "ffn.lin2"]),
    ("vit", 12, VIT),
    ("resnet", 5, ["convolution", "shortcut.convolution"]),
])
def test_layers_chosen_by_themselves_are_those_of_the_blocks(kind: str, count: int, names: list[str], backbones: dict[str, Loaded]) -> None:
    made = attached(backbones[kind], Lora())
    assert made.note == (f"lora of rank 8 on {count} layers ({', '.join(names)}) beside the head ({', '.join(HEADS[kind])}): "
                         f"{made.num_trained:,} of {made.num_weights:,} weights are trained "
                         f"({made.num_trained / made.num_weights:.2%}), head included")


@pytest.mark.parametrize(("name", "count", "names"), [
    ("roberta", 18, ", ".join(BERT)), ("electra", 18, ", ".join(BERT)),
    ("modernbert", 12, "attn.Wqkv, attn.Wo, mlp.Wi, mlp.Wo"),
    ("deit", 72, ", ".join(VIT)),
    ("swin", 75, f"{', '.join(SWIN)}, downsample.reduction"),
    ("convnext", 36, "pwconv1, pwconv2"),
    ("vit_tiny_patch16_224", 48, "attn.qkv, attn.proj, mlp.fc1, mlp.fc2"),
    ("resnet18", 19, "conv1, conv2, downsample.0"),
    ("resnet10t", 11, "conv1, conv2, downsample.1"),
    ("efficientnet_b0", 63, "se.conv_reduce, se.conv_expand, conv_pw, conv_pwl"),  # those of depth-wise kind left out
    ("regnety_002", 56, "conv1.conv, se.fc1, se.fc2, conv3.conv, downsample.conv"),
])
def test_layers_of_full_architectures_are_those_of_the_blocks_too(name: str, count: int, names: str, backbones: dict[str, Loaded]) -> None:
    with torch.device("meta"):
        made = adapters.attach(replace(backbones["bert"], model=built(name)), Lora())
    assert f"on {count} layers ({names}) beside the head (" in str(made.note)


def test_count_of_trained_weights_is_adapters_and_head(backbones: dict[str, Loaded]) -> None:
    width, inner, rank = 32, 64, 4
    per_block = rank * (4 * (width + width) + 2 * (width + inner))
    head = (width * width + width) + (3 * width + 3)
    made = attached(backbones["bert"], Lora(rank=rank))
    assert made.num_trained == 2 * per_block + head
    assert made.num_weights == sum(weight.numel() for weight in backbones["bert"].model.parameters())


@pytest.mark.parametrize(("targets", "count"), [
    (("query", "value"), 4), (("attention.output.dense",), 2), (("output.dense",), 4), (("bert.encoder.layer.0.output.dense",), 1),
])
def test_layers_can_be_named_by_the_end_of_their_names(targets: tuple[str, ...], count: int, backbones: dict[str, Loaded]) -> None:
    made = attached(backbones["bert"], Lora(targets=targets))
    assert f"on {count} layers" in str(made.note)
    assert sum(name.endswith("lora_A.default.weight") for name in made.model.state_dict()) == count


@pytest.mark.parametrize(("kind", "targets", "said"), [
    ("bert", ("qury", "value"), "train.adapter.targets: qury: no layer of me/bert is called that. Layers: "
                                f"{', '.join(BERT)}, each also by its last word; or auto. Did you mean 'query'?"),
    ("bert", ("classifier",), "train.adapter.targets: classifier: no layer of me/bert is called that. Layers: "
                              f"{', '.join(BERT)}, each also by its last word; or auto."),
    ("resnet", ("embedder", "conv"), "train.adapter.targets: embedder, conv: no layer of me/resnet is called that. Layers: "
                                     "convolution, shortcut.convolution, each also by its last word; or auto."),
])
def test_targets_that_are_no_layer_are_all_named(kind: str, targets: tuple[str, ...], said: str, backbones: dict[str, Loaded]) -> None:
    with pytest.raises(BackboneError) as caught:
        adapters.attach(backbones[kind], Lora(targets=targets))
    assert str(caught.value) == said


def test_random_weights_are_refused(backbones: dict[str, Loaded]) -> None:
    with pytest.raises(BackboneError, match=r"^train.adapter: me/vit starts from random weights here, and those that are not "
                                            r"trained would stay random. Use a pretrained backbone"):
        adapters.attach(replace(backbones["vit"], source="random"), Lora())


def test_network_without_any_layer_to_adapt_is_refused(backbones: dict[str, Loaded]) -> None:
    class Bare(torch.nn.Module):
        base_model_prefix = ""

        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(3, 3)

    with pytest.raises(BackboneError, match=r"^train.adapter: bare has neither linear layers nor plain convolutions"):
        adapters.attach(replace(backbones["bert"], model=Bare(), name="bare"), Lora())


@pytest.mark.parametrize("kind", KINDS)
def test_folder_names_the_backbone_as_others_know_it_and_holds_the_head(kind: str, backbones: dict[str, Loaded], tmp_path: Path) -> None:
    made = attached(replace(backbones[kind], name="me/backbone", revision="c0ffee"), Lora(rank=3, alpha=5, method="rslora"))
    adapters.save(made.model, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("me/backbone", "c0ffee")
    assert (config["r"], config["lora_alpha"], config["use_rslora"], config["use_dora"]) == (3, 5, True, False)
    assert config["modules_to_save"] == list(HEADS[kind])
    assert config["target_modules"] == sorted(config["target_modules"])
    saved = load_file(tmp_path / "adapter_model.safetensors")
    assert sum(value.numel() for value in saved.values()) == made.num_trained
    for part in HEADS[kind]:
        assert any(name.startswith(f"base_model.model.{part}.") for name in saved)
