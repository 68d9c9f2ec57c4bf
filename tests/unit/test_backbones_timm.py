"""Backbones of timm: a folder keeps its label names, and the processor is that of the weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm as library
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

from finetune.backbones import resolve, timm
from finetune.errors import BackboneError
from finetune.spec import Model
from finetune.tasks.image_classification import ImageClassification
from tests.unit.test_backbones_hf import Canary, plant

LABELS = ("early", "late", "healthy leaf")
HEAD = ImageClassification(labels=LABELS, image_size=32).head
OWN_SIZE = ImageClassification(labels=LABELS).head


@pytest.fixture(scope="module")
def made() -> Any:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    found = timm.random("resnet10t", HEAD)
    found.model.eval()
    return found


@pytest.fixture(scope="module")
def folder(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("timm") / "resnet10t"
    made.model.save_pretrained(place)
    return place


def same(ours: Any, theirs: Any, *, but: str = "nothing") -> bool:
    a, b = ours.state_dict(), theirs.state_dict()
    return a.keys() == b.keys() and all(torch.equal(value, b[name]) for name, value in a.items() if but not in name)


def test_new_model_has_the_labels_and_the_size_of_the_task(made: Any) -> None:
    assert made.model.config.id2label == dict(enumerate(LABELS))
    assert (made.processor.size, made.processor.crop) == (32, 1.0)
    assert (made.processor.mean, made.processor.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert made.model(pixel_values=torch.zeros(2, 3, 32, 32)).logits.shape == (2, 3)
    assert (made.name, made.native) == ("resnet10t", None)


def test_size_is_the_backbone_s_own_where_the_task_names_none() -> None:
    processor = timm.random("resnet10t", OWN_SIZE).processor
    own = library.get_pretrained_cfg("resnet10t")
    assert (processor.size, own.input_size[-1], own.crop_pct) == (176, 176, 0.875)
    assert processor.crop == 176 / 201  # timm scales to whole pixels: 176 / 0.875 is 201 and a bit


@pytest.mark.parametrize("name", ["timm/resnet10t.c3_in1k", "resnet10t.c3_in1k", "timm/resnet10t"])
def test_hub_s_name_of_weights_names_their_architecture(name: str) -> None:
    assert timm.random(name, HEAD).model.config.architecture == "resnet10t"


def test_random_weights_follow_torch_s_seed(made: Any) -> None:
    def drawn(seed: int) -> Any:
        torch.manual_seed(seed)
        return timm.random("resnet10t", HEAD).model

    assert same(drawn(0), made.model)
    assert not torch.equal(drawn(1).state_dict()["timm_model.conv1.0.weight"], made.model.state_dict()["timm_model.conv1.0.weight"])


def test_unknown_architecture_is_answered_with_the_nearest() -> None:
    with pytest.raises(BackboneError, match=r"model.name: resnet10x: timm has no architecture of that name. Did you mean 'resnet10t'\?"):
        timm.random("resnet10x", HEAD)


def test_saved_folder_is_read_by_transformers_with_its_label_names(made: Any, folder: Path) -> None:
    found = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    assert found.config.id2label == dict(enumerate(LABELS))
    assert found.config.label2id == {name: i for i, name in enumerate(LABELS)}
    assert found.num_labels == 3
    assert same(found, made.model)


def test_saved_folder_is_read_back_ready_for_evaluation(made: Any, folder: Path) -> None:
    found = timm.reload(folder, HEAD, attention="eager")
    assert not found.training
    assert same(found, made.model)
    pixels = torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(found(pixel_values=pixels).logits, made.model(pixel_values=pixels).logits)


def test_folder_is_a_backbone_for_the_same_labels(made: Any, folder: Path) -> None:
    found = resolve.load(Model(name=str(folder), family="timm"), HEAD, sample=False)
    assert found.source == "folder"
    assert same(found.model, made.model)
    assert found.processor == made.processor


def test_folder_is_a_backbone_for_other_labels(made: Any, folder: Path, tmp_path: Path) -> None:
    head = ImageClassification(labels=("a", "b", "c", "d", "e"), image_size=32).head
    found = timm.load(folder, head)
    assert found.model.timm_model.fc.weight.shape == (5, 512)
    ours, theirs = found.model.state_dict(), made.model.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items() if ".fc." not in name)
    found.model.save_pretrained(tmp_path)
    again = transformers.AutoModelForImageClassification.from_pretrained(tmp_path)
    assert again.config.id2label == dict(enumerate(("a", "b", "c", "d", "e")))
    assert same(again, found.model)


def test_statistics_of_the_pictures_are_kept_in_the_folder(folder: Path) -> None:
    kept = json.loads((folder / "config.json").read_text())["pretrained_cfg"]
    assert (kept["input_size"], kept["mean"], kept["crop_pct"]) == ([3, 32, 32], [0.485, 0.456, 0.406], 1.0)


@pytest.mark.parametrize(("architecture", "shape"), [("resnet10t", (240, 400)), ("resnet10t", (402, 600)), ("resnet18.a1_in1k", (470, 705))])
def test_pictures_are_encoded_as_timm_s_own_transform_does(architecture: str, shape: tuple[int, int], tmp_path: Path) -> None:
    loaded = timm.random(architecture, OWN_SIZE)
    picture = tmp_path / "wide.png"
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    Image.fromarray(noise).save(picture)
    settings = library.data.resolve_data_config(loaded.model.config.pretrained_cfg)
    expected = library.data.create_transform(**settings, is_training=False)(Image.open(picture)).numpy()
    found = loaded.processor.encode([str(picture)])[0]["pixel_values"]
    assert found.shape == expected.shape
    # Where an odd number of columns is cut off, timm leaves out the extra one on the left and we on the right.
    shifted = [found, np.roll(found, -1, axis=2)[:, :, :-1], np.roll(found, -1, axis=1)[:, :-1]]
    gaps = [float(np.abs(ours - expected[:, : ours.shape[1], : ours.shape[2]]).max()) for ours in shifted]
    assert min(gaps) < 1e-5, gaps


def test_folder_with_good_weights_in_a_pickle_is_refused_too(folder: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(folder, tmp_path / "pickled"))
    torch.save(load_file(place / "model.safetensors"), place / "pytorch_model.bin")
    (place / "model.safetensors").unlink()
    with pytest.raises(BackboneError, match=r"cannot be loaded by the timm loader: .*no file named model\.safetensors"):
        resolve.load(Model(name=str(place), family="timm"), HEAD, sample=False)


def test_folder_with_a_pickle_alone_is_refused_unread(folder: Path, tmp_path: Path) -> None:
    place, canary = Path(shutil.copytree(folder, tmp_path / "pickled")), tmp_path / "canary.txt"
    (place / "model.safetensors").unlink()
    torch.save({"planted": Canary(canary)}, place / "pytorch_model.bin")
    with pytest.raises(BackboneError, match="cannot be loaded by the timm loader"):
        resolve.load(Model(name=str(place), family="timm"), HEAD, sample=False)
    assert not canary.exists()


def test_folder_that_names_code_runs_none(folder: Path, tmp_path: Path) -> None:
    place, canary = Path(shutil.copytree(folder, tmp_path / "coded")), tmp_path / "canary.txt"
    plant(place, canary)
    resolve.load(Model(name=str(place), family="timm"), HEAD, sample=False)
    timm.reload(place, HEAD)
    assert not canary.exists()


def test_weights_of_another_architecture_are_refused(folder: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(folder, tmp_path / "mixed"))
    save_file({f"timm_model.other.{name}": value for name, value in load_file(folder / "model.safetensors").items()},
              place / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BackboneError, match="does not fit its config.json: 86 of 86 weights are missing"):
        timm.load(place, HEAD)


def test_random_weights_have_positions_for_the_size_asked_for() -> None:
    vit = timm.random("vit_tiny_patch16_224", HEAD)
    assert (vit.processor.size, vit.model.config.model_args) == (32, {"img_size": 32})
    assert vit.model(pixel_values=torch.zeros(1, 3, 32, 32)).logits.shape == (1, 3)
    with pytest.raises(AssertionError, match="doesn't match model"):
        vit.model(pixel_values=torch.zeros(1, 3, 224, 224))


def test_random_weights_of_a_folder_have_its_architecture_and_settings(folder: Path) -> None:
    found = resolve.load(Model(name=str(folder), family="timm", random=True), OWN_SIZE, sample=False)
    assert (found.source, found.settings_from, found.processor.size) == ("random", "the folder's config.json", 32)
    trained = resolve.load(Model(name=str(folder), family="timm"), OWN_SIZE, sample=False)
    assert found.model.state_dict().keys() == trained.model.state_dict().keys()
    assert not same(found.model, trained.model)
