"""Answers of an exported model: those of PyTorch, and none from a folder that was changed."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from finetune import saved
from finetune.data.examples import Examples
from finetune.errors import DataError, ExportError, FinetuneError
from finetune.evaluate import score
from finetune.evaluate.infer import torch_infer
from finetune.export import manifest
from finetune.predict import Predictor
from tests.parity import setting
from tests.unit.test_export_optimum import LABELS, Exported, exported
from tests.unit.test_export_quantize import small

NUM_INPUTS = 70  # three batches of a predictor
FILES = ("config.json", "finetune.json", "int8/model.onnx", "manifest.json", "model.onnx", "processor.json", "tokenizer.json")


def published(made: Exported, run: Path, *, default: str = "model.onnx", labels: tuple[str, ...] = LABELS) -> Path:
    """The run folder of a miniature, as far as predicting needs it."""
    folder = run / "onnx"
    (folder / "int8").mkdir(parents=True)
    for file in (made.file, made.folder / "config.json"):
        shutil.copy(file, folder)
    shutil.copy(small(made), folder / "int8")
    saved.write(folder, replace(made.task, labels=labels), made.processor, family=made.family)
    manifest.write(folder, default=default)
    return run


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported("bert", tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def run(bert: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published text model; to be looked at only."""
    return published(bert, tmp_path_factory.mktemp("predict") / "run")


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """The same run, to be changed."""
    return Path(shutil.copytree(run, tmp_path / "run"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Files of many sizes and colours."""
    folder, found = tmp_path_factory.mktemp("pictures"), []
    for i, cell in enumerate(setting.image_rows(40)["image"].to_pylist()):
        (folder / f"{i}.png").write_bytes(cell)
        found.append(str(folder / f"{i}.png"))
    return found


def texts(count: int) -> list[str]:
    return [str(text) for text in setting.text_rows(count, seed=3)["text"].to_pylist()]


def from_pytorch(made: Exported, column: str, values: list[str]) -> dict[str, np.ndarray]:
    examples = Examples(pa.table({column: values}), made.task, made.processor)
    return score.predict(examples, torch_infer(made.model, made.task)).columns


def check_answers(predictor: Predictor, values: list[str], expected: dict[str, np.ndarray]) -> None:
    answers = predictor(values)
    assert [answer["input"] for answer in answers] == values
    assert [answer["label"] for answer in answers] == [LABELS[i] for i in expected["prediction"]]
    found = np.array([[answer["probabilities"][name] for name in LABELS] for answer in answers])
    assert float(np.abs(found - expected["probabilities"]).max()) <= 1e-4
    assert len(set(expected["prediction"].tolist())) > 1


def test_texts_get_the_labels_and_probabilities_of_pytorch(bert: Exported, run: Path) -> None:
    values = texts(NUM_INPUTS)
    check_answers(Predictor.open(run), values, from_pytorch(bert, "text", values))


@pytest.mark.parametrize("kind", ["distilbert", "vit", "resnet", "resnet10t"])
def test_every_miniature_answers_as_pytorch_does(
    kind: str, pictures: list[str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = exported(kind, tmp_path_factory.getbasetemp())
    predictor = Predictor.open(published(made, tmp_path / "run"))
    column, values = ("text", texts(NUM_INPUTS)) if kind == "distilbert" else ("image", pictures)
    expected = from_pytorch(made, column, values)
    answers = predictor(values)
    assert [answer["label"] for answer in answers] == [LABELS[i] for i in expected["prediction"]]
    found = np.array([[answer["probabilities"][name] for name in LABELS] for answer in answers])
    assert float(np.abs(found - expected["probabilities"]).max()) <= 1e-4


def test_probabilities_come_most_likely_first_and_sum_to_one(run: Path) -> None:
    for answer in Predictor.open(run)(texts(10)):
        shares = list(answer["probabilities"].values())
        assert sorted(answer["probabilities"]) == sorted(LABELS)
        assert shares == sorted(shares, reverse=True)
        assert next(iter(answer["probabilities"])) == answer["label"]
        assert sum(shares) == pytest.approx(1.0, abs=1e-6)


def test_answer_does_not_depend_on_what_is_asked_with_it(run: Path) -> None:
    predictor, values = Predictor.open(run), texts(10)
    alone = [predictor([value])[0] for value in values]
    for one, other in zip(alone, predictor([*values, "word1 " * 150])[:10], strict=True):
        assert one["label"] == other["label"]
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-4)


@pytest.mark.parametrize("value", ["", " ", "\n", "unheard words only", "word1 " * 1000, "\u5f88\u597d", "\x00"])
def test_any_text_gets_an_answer(value: str, run: Path) -> None:
    (answer,) = Predictor.open(run)([value])
    assert answer["input"] == value
    assert answer["label"] in LABELS


def test_nothing_asked_is_nothing_answered(run: Path) -> None:
    assert Predictor.open(run)([]) == []


def test_run_and_its_onnx_folder_are_the_same_place(run: Path) -> None:
    assert Predictor.open(run).file == Predictor.open(run / "onnx").file == run / "onnx" / "model.onnx"


def test_default_model_is_the_one_that_the_manifest_names(bert: Exported, tmp_path: Path) -> None:
    predictor = Predictor.open(published(bert, tmp_path / "run", default="int8/model.onnx"))
    assert predictor.file == tmp_path / "run" / "onnx" / "int8" / "model.onnx"
    assert predictor(["word1"])[0]["label"] in LABELS


def test_folder_can_be_moved(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "onnx", tmp_path / "deployed")
    assert Predictor.open(tmp_path / "deployed")(["word1"])[0]["probabilities"] == Predictor.open(run)(["word1"])[0]["probabilities"]


def test_every_file_of_the_folder_is_tried_for_damage(run: Path) -> None:
    found = sorted(file.relative_to(run / "onnx").as_posix() for file in (run / "onnx").rglob("*") if file.is_file())
    assert found == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_flipped_bit_anywhere_is_refused(name: str, copied: Path) -> None:
    file = copied / "onnx" / name
    content, draw = file.read_bytes(), random.Random(0)
    places = {0, len(content) - 1} | {draw.randrange(len(content)) for _ in range(30)}
    for position in places:
        flipped = bytearray(content)
        flipped[position] ^= 1 << draw.randrange(8)
        file.write_bytes(flipped)
        with pytest.raises(ExportError):
            Predictor.open(copied)


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_refused(name: str, copied: Path) -> None:
    (copied / "onnx" / name).unlink()
    with pytest.raises(ExportError, match="no manifest.json" if name == "manifest.json" else f"{name}: is missing"):
        Predictor.open(copied)


def test_unknown_task_is_refused_even_where_the_hashes_are_right(copied: Path) -> None:
    file = copied / "onnx" / "finetune.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"task": "os"}))
    manifest.write(copied / "onnx", default="model.onnx")
    with pytest.raises(DataError, match="names the task 'os'. Tasks: image_classification, image_regression, "):
        Predictor.open(copied)


def test_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is not a folder. Give a run"):
        Predictor.open(tmp_path / "nowhere")


def test_run_without_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FinetuneError, match="so it is not a finished export. Run `finetune export RUN`"):
        Predictor.open(tmp_path)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A predictor for pictures."""
    made = exported("resnet", tmp_path_factory.getbasetemp())
    return Predictor.open(published(made, tmp_path_factory.mktemp("seeing") / "run"))


@pytest.mark.parametrize("position", [0, 35, 39])
def test_missing_pictures_are_named_before_any_is_answered(position: int, seeing: Predictor, pictures: list[str]) -> None:
    asked: list[Any] = [*pictures]
    asked[position] = f"{position}-is-not-here.png"
    with pytest.raises(DataError, match=rf"^{position}-is-not-here.png: there is no such file \(1 of 40 missing\)"):
        seeing(asked)


def test_a_folder_of_pictures_is_called_one(seeing: Predictor, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r": is a folder \(1 of 1 missing\)"):
        seeing([str(tmp_path)])


@pytest.mark.parametrize("text", ["What a lovely evening.", "What a long evening. " * 500, "\x00", ""])
def test_text_given_to_a_model_of_pictures_is_answered_with_what_it_wants(text: str, seeing: Predictor) -> None:
    with pytest.raises(DataError, match="This model answers pictures: give paths of image files."):
        seeing([text])


def test_file_that_is_no_picture_is_named(seeing: Predictor, pictures: list[str], tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("not a picture")
    with pytest.raises(DataError, match=r"notes\.png"):
        seeing([pictures[0], str(tmp_path / "notes.png")])
