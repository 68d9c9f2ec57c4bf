"""Backbones of transformers: label names, processors, and nothing but data is read from a folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from finetune.backbones import hf, resolve, tiny
from finetune.contracts import Head
from finetune.data.text import TextProcessor
from finetune.errors import BackboneError
from finetune.spec import Model
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification
from tests.parity import setting

TEXT = TextClassification(labels=("negative", "neutral", "very positive"))
IMAGE = ImageClassification(labels=("cat", "dog", "eel", "fox"))
TASKS: dict[str, Any] = {"bert": TEXT, "distilbert": TEXT, "vit": IMAGE, "resnet": IMAGE}
TOKENS = tuple(f"word{i}" for i in range(40))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backbone folder per architecture."""
    torch.set_num_threads(1)
    base = tmp_path_factory.mktemp("backbones")
    for kind in TASKS:
        tiny.write(kind, base / kind, words=TOKENS)
    return base


@pytest.mark.parametrize("kind", TASKS)
def test_label_names_survive_saving_and_loading(kind: str, folders: Path, tmp_path: Path) -> None:
    task = TASKS[kind]
    hf.load(folders / kind, task.head).model.save_pretrained(tmp_path)
    config = getattr(transformers, task.head.auto).from_pretrained(tmp_path).config
    assert config.id2label == dict(enumerate(task.labels))
    assert config.label2id == {name: i for i, name in enumerate(task.labels)}
    assert (config.num_labels, config.problem_type) == (len(task.labels), "single_label_classification")


@pytest.mark.parametrize("kind", TASKS)
def test_saved_model_is_read_back_to_the_bit_and_ready(kind: str, folders: Path, tmp_path: Path) -> None:
    head = TASKS[kind].head
    made = hf.load(folders / kind, head).model
    made.save_pretrained(tmp_path)
    found = hf.reload(tmp_path, head)
    assert not found.training
    assert found.state_dict().keys() == made.state_dict().keys()
    assert all(torch.equal(value, found.state_dict()[name]) for name, value in made.state_dict().items())


@pytest.mark.parametrize("kind", ["bert", "distilbert", "vit"])
def test_attention_of_the_reread_model_is_the_one_asked_for(kind: str, folders: Path, tmp_path: Path) -> None:
    head = TASKS[kind].head
    hf.load(folders / kind, head).model.save_pretrained(tmp_path)
    assert hf.reload(tmp_path, head, attention="eager").config._attn_implementation == "eager"
    assert hf.reload(tmp_path, head, attention="sdpa").config._attn_implementation == "sdpa"


def test_folder_with_another_head_gives_its_encoder_and_a_new_head(folders: Path, tmp_path: Path) -> None:
    first = hf.load(folders / "bert", TEXT.head)
    first.model.save_pretrained(tmp_path)
    first.native.save_pretrained(tmp_path)
    second = hf.load(tmp_path, TextClassification(labels=("a", "b")).head).model
    assert second.classifier.weight.shape == (2, 32)
    assert torch.equal(second.bert.embeddings.word_embeddings.weight, first.model.bert.embeddings.word_embeddings.weight)


def test_transformers_speaks_as_before_after_loading(folders: Path) -> None:
    before = transformers.logging.get_verbosity()
    hf.load(folders / "bert", TEXT.head)
    assert transformers.logging.get_verbosity() == before


def test_weights_of_another_architecture_are_refused(folders: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders / "bert", tmp_path / "mixed"))
    shutil.copy(folders / "distilbert" / "model.safetensors", folder)
    with pytest.raises(BackboneError, match=r"does not fit its config.json: 37 of 41 weights are missing or have another shape"):
        hf.load(folder, TEXT.head)


def test_weights_of_another_size_are_refused(folders: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders / "vit", tmp_path / "wider"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    with pytest.raises(BackboneError, match=r"does not fit its config.json: \d+ of \d+ weights"):
        hf.load(folder, IMAGE.head)


@pytest.mark.parametrize(("kind", "fresh"), [
    ("bert", ("classifier.bias", "classifier.weight")), ("resnet", ("classifier.1.bias", "classifier.1.weight")),
    ("distilbert", ("classifier.bias", "classifier.weight", "pre_classifier.bias", "pre_classifier.weight")),
])
def test_weights_that_the_file_did_not_bring_are_named(kind: str, fresh: tuple[str, ...], folders: Path, tmp_path: Path) -> None:
    head = TASKS[kind].head
    first = hf.load(folders / kind, head)
    assert first.fresh == fresh
    assert first.num_weights == first.num_trained == sum(weight.numel() for weight in first.model.parameters())
    first.model.save_pretrained(tmp_path)
    first.native.save_pretrained(tmp_path)
    assert hf.load(tmp_path, head).fresh == ()
    other = hf.load(tmp_path, replace(head, labels=("a", "b"))).fresh  # a head of another size is not taken over
    assert {name.partition(".")[0] for name in other} == {"classifier"}


def test_encoder_without_pooler_is_accepted(folders: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders / "bert", tmp_path / "poolerless"))
    kept = {name: value for name, value in load_file(folder / "model.safetensors").items() if "pooler" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    model = hf.load(folder, TEXT.head).model
    assert torch.equal(model.bert.embeddings.word_embeddings.weight, kept["embeddings.word_embeddings.weight"])


class Canary:
    """Unpickling it writes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.file, "a pickle was read")


@pytest.mark.parametrize("kind", TASKS)
def test_folder_with_good_weights_in_a_pickle_is_refused_too(kind: str, folders: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders / kind, tmp_path / kind))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BackboneError, match=r"cannot be loaded by the hf loader: .*no file named model\.safetensors"):
        resolve.load(Model(name=str(folder)), TASKS[kind].head, sample=False)


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("random", [False, True])
def test_folder_with_a_pickle_alone_is_refused_unread(random: bool, kind: str, folders: Path, tmp_path: Path) -> None:
    folder, canary = Path(shutil.copytree(folders / kind, tmp_path / kind)), tmp_path / "canary.txt"
    (folder / "model.safetensors").unlink()
    torch.save({"weight": torch.zeros(1), "planted": Canary(canary)}, folder / "pytorch_model.bin")
    if random:
        resolve.load(Model(name=str(folder), random=True), TASKS[kind].head, sample=False)
    else:
        with pytest.raises(BackboneError, match="model.safetensors") as caught:
            resolve.load(Model(name=str(folder)), TASKS[kind].head, sample=False)
        assert caught.value.where == f"model.name: {folder}"
    assert not canary.exists()


def plant(folder: Path, canary: Path) -> None:
    """Every configuration of a folder names a class in a module that writes a file when it is imported."""
    (folder / "planted.py").write_text(f"open({str(canary)!r}, 'w').write('code was run')\nclass Planted: pass\n")
    autos = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification", "AutoModelForImageClassification", "AutoImageProcessor")
    for name in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        if (folder / name).is_file():
            classes: dict[str, Any] = dict.fromkeys(autos, "planted.Planted") | {"AutoTokenizer": ["planted.Planted", "planted.Planted"]}
            (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | {"auto_map": classes}))


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("random", [False, True])
def test_folder_that_names_code_runs_none(random: bool, kind: str, folders: Path, tmp_path: Path) -> None:
    folder, canary, head = Path(shutil.copytree(folders / kind, tmp_path / kind)), tmp_path / "canary.txt", TASKS[kind].head
    plant(folder, canary)
    resolve.load(Model(name=str(folder), random=random), head, sample=False).model.save_pretrained(tmp_path / "saved")
    plant(tmp_path / "saved", canary)
    hf.reload(tmp_path / "saved", head)
    assert not canary.exists()


@pytest.mark.parametrize("kind", ["bert", "vit"])
@pytest.mark.parametrize("random", [False, True])
def test_architecture_that_exists_only_as_code_is_refused(random: bool, kind: str, folders: Path, tmp_path: Path) -> None:
    folder, canary = Path(shutil.copytree(folders / kind, tmp_path / "own")), tmp_path / "canary.txt"
    plant(folder, canary)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "planted"}))
    with pytest.raises(BackboneError, match="cannot be loaded by the hf loader"):
        resolve.load(Model(name=str(folder), random=random), TASKS[kind].head, sample=False)
    assert not canary.exists()


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_texts_are_encoded_as_the_library_s_own_tokenizer_does(kind: str, folders: Path) -> None:
    loaded = hf.load(folders / kind, TEXT.head)
    texts = ["Word1 word2 unheard", "", "word3 " * 300]
    expected = loaded.native(texts, truncation=True, max_length=128)
    found = loaded.processor.encode(texts, 128)
    assert set(loaded.processor.inputs) == set(expected)
    for i, example in enumerate(found):
        assert {name: example[name] for name in loaded.processor.inputs} == {name: expected[name][i] for name in expected}
    assert [example["full_length"] for example in found] == [5, 2, 302]


def test_longest_text_is_what_the_backbone_has_positions_for(folders: Path) -> None:
    processor = hf.load(folders / "bert", TEXT.head).processor
    assert (processor.max_tokens, processor.pad_id) == (160, 0)
    assert len(processor.encode(["word3 " * 300], 1000)[0]["input_ids"]) == 160


def test_padding_that_a_tokenizer_file_asks_for_is_left_to_the_batch(folders: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders / "bert", tmp_path / "padding"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding(length=64)
    tokenizer.save(str(folder / "tokenizer.json"))
    processor = hf.load(folder, TEXT.head).processor
    processor.save(tmp_path)
    for found in (processor, TextProcessor.load(tmp_path)):
        assert [len(example["input_ids"]) for example in found.encode(["word1 word2", ""], 128)] == [4, 2]


def test_positions_of_a_roberta_start_after_its_padding(folders: Path, tmp_path: Path) -> None:
    config = transformers.RobertaConfig(**tiny.WIDTH, vocab_size=60, max_position_embeddings=40, pad_token_id=0)
    transformers.RobertaModel(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folders / "distilbert" / name, tmp_path)
    loaded = hf.load(tmp_path, TEXT.head)
    assert loaded.processor.max_tokens == 39
    ids = loaded.processor.encode(["word3 " * 300], 1000)[0]["input_ids"]
    assert loaded.model(input_ids=torch.tensor([ids])).logits.shape == (1, 3)
    with pytest.raises((IndexError, RuntimeError)):  # transformers 4, 5
        loaded.model(input_ids=torch.tensor([[*ids, 1]]))


@pytest.mark.parametrize("kind", tiny.IMAGE)
def test_pictures_are_encoded_as_the_library_s_own_processor_does(kind: str, folders: Path, tmp_path: Path) -> None:
    folder = folders / kind if kind in TASKS else tiny.write(kind, tmp_path / kind)
    loaded = hf.load(folder, IMAGE.head)
    rows = setting.image_rows(1)["image"].to_pylist()
    picture = tmp_path / "wide.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 70, 3), dtype=np.uint8)).save(picture)
    for cell, image in ((str(picture), Image.open(picture)), (rows[0], None)):
        found = loaded.processor.encode([cell])[0]["pixel_values"]
        assert (found.shape, found.dtype) == ((3, 32, 32), np.float32)
        if image is not None:
            np.testing.assert_allclose(found, loaded.native(image)["pixel_values"][0], atol=1e-6)


def test_size_that_the_task_fixes_is_that_of_the_pictures(folders: Path) -> None:
    head = Head(IMAGE.head.auto, IMAGE.head.labels, IMAGE.head.problem, 64)
    assert hf.load(folders / "resnet", head).processor.size == 64
