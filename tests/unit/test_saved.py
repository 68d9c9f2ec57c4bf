"""`finetune.json`: the task, the processor and the family of a model folder, and nothing that could run code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finetune import saved, tasks
from finetune.data.pixels import ImageProcessor
from finetune.errors import DataError
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification
from tests.unit.test_evaluate_score import processor

TEXT = TextClassification(labels=("pas mal", "tr\u00e8s bien", "\u5f88\u597d"), max_tokens=17)
IMAGE = ImageClassification(labels=("b", "a"), image_size=48, augmentations=("flip",))
PIXELS = ImageProcessor(size=48, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), resample="lanczos", crop=48 / 55)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved.write(tmp_path, TEXT, processor(9), family="hf")
    return tmp_path


def change(folder: Path, **values: Any) -> None:
    file = folder / saved.NAME
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_text_task_comes_back_as_it_was(folder: Path) -> None:
    task, found, family = saved.read(folder)
    assert (task, family) == (TEXT, "hf")
    assert (found.inputs, found.pad_id, found.max_tokens) == (("input_ids", "attention_mask"), 0, 40)
    assert found.encode(["row3 more more"], 17) == processor(9).encode(["row3 more more"], 17)


def test_image_task_comes_back_as_it_was(tmp_path: Path) -> None:
    saved.write(tmp_path, IMAGE, PIXELS, family="timm")
    assert saved.read(tmp_path) == (IMAGE, PIXELS, "timm")


def test_setting_that_is_none_and_an_empty_list_survive(tmp_path: Path) -> None:
    task = ImageClassification(labels=("a", "b"), augmentations=())
    saved.write(tmp_path, task, ImageProcessor(size=8, mean=(0.5,), std=(0.5,)), family="hf")
    assert saved.read(tmp_path)[:2] == (task, ImageProcessor(size=8, mean=(0.5,), std=(0.5,)))


def test_folder_holds_json_only(folder: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == ["finetune.json", "processor.json", "tokenizer.json"]
    for file in folder.iterdir():
        json.loads(file.read_text())


def test_task_is_named_by_its_file(folder: Path) -> None:
    written = json.loads((folder / saved.NAME).read_text())
    assert written == {"format": 1, "task": "text_classification", "class": "TextClassification", "family": "hf",
                       "settings": {"labels": list(TEXT.labels), "positive": None, "threshold": "argmax", "primary": "accuracy",
                                    "max_tokens": 17, "augmentations": [], "temperature": 1.0}}


def test_place_of_a_file_that_only_training_needs_is_not_kept(tmp_path: Path) -> None:
    saved.write(tmp_path, replace(TEXT, augmentations=("synonyms",), synonyms="/home/me/words.txt"), processor(9), family="hf")
    assert "words.txt" not in (tmp_path / saved.NAME).read_text()
    assert saved.read(tmp_path)[0] == replace(TEXT, augmentations=("synonyms",))


def test_folder_without_it_is_no_model_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no finetune.json, so it is not the model folder of a run"):
        saved.read(tmp_path)


@pytest.mark.parametrize("name", ["regression", "", "__init__", "../cli", "os", "text_classification.py", "finetune.tasks.text_classification"])
def test_unknown_task_is_answered_with_those_there_are(name: str, folder: Path) -> None:
    change(folder, task=name)
    with pytest.raises(DataError) as caught:
        saved.read(folder)
    assert caught.value.where == str(folder / saved.NAME)
    known = sorted(file.stem for file in Path(tasks.__file__).parent.glob("[a-z]*.py"))
    assert {"image_classification", "text_classification"} <= set(known)
    assert str(caught.value).endswith(f"names the task {name!r}. Tasks: {', '.join(known)}.")


@pytest.mark.parametrize("name", ["Regression", "np", "Mapping", "dataclass", "classification", "pad", "ImageClassification"])
def test_class_that_is_no_task_of_that_file_is_refused(name: str, folder: Path) -> None:
    change(folder, **{"class": name})
    with pytest.raises(DataError, match=f"^{folder / saved.NAME}: cannot be read") as caught:
        saved.read(folder)
    assert "Train or export the run again" in str(caught.value)


@pytest.mark.parametrize("settings", [{"labels": ["a", "b"], "depth": 3}, ["labels"], None])
def test_settings_that_the_task_does_not_have_are_refused(settings: Any, folder: Path) -> None:
    change(folder, settings=settings)
    with pytest.raises(DataError, match="cannot be read"):
        saved.read(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b'{"format": 1}', b"\xff\xfe"])
def test_file_that_cannot_be_read_is_refused(content: bytes, folder: Path) -> None:
    (folder / saved.NAME).write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        saved.read(folder)


def test_newer_format_is_refused(folder: Path) -> None:
    change(folder, format=2, task="of the future")
    with pytest.raises(DataError, match=r"was written by a newer version \(format 2, known is 1\). Update finetune."):
        saved.read(folder)
