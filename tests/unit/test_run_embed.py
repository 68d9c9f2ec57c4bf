"""When rows are embedded, and what comes of it from end to end."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console
from typer.testing import CliRunner

from finetune.backbones import tiny
from finetune.cli import app
from finetune.errors import SpecError
from finetune.recipe import load
from finetune.run import embed, pipeline
from finetune.run.folder import RunFolder
from finetune.verbs.clean import deeper


def run(cwd: Path, *settings: str, recipe: str = "sentiment"):
    stream = io.StringIO()
    made = pipeline.start(recipe, [f"output_dir={cwd}/runs", *settings], command="", console=Console(file=stream, width=400))
    return made, stream


def splits(train: int = 1000, held: int = 100) -> dict[str, pa.Table]:
    def table(rows: int) -> pa.Table:
        return pa.table({"row": [f"r:{row}" for row in range(rows)], "text": ["x"] * rows, "label": ["a"] * rows})

    return {"train": table(train), "validation": table(held), "test": table(held)}


@pytest.mark.parametrize(("settings", "passes"), [
    (("train.length=4epochs", "train.evaluate_every=1epochs"), 3 * 4000 + 4 * 100),
    (("train.length=100steps", "train.batch=16", "train.evaluate_every=50steps"), 3 * 1600 + 2 * 100),
    (("train.length=5000rows", "train.evaluate_every=1epochs", "train.freeze=backbone"), 5000 + 5 * 100),
    (("train.length=1epochs", "train.evaluate_every=1epochs", "train.freeze=none", "train.adapter=lora"), 2 * 1000 + 100),
])
def test_training_costs_forward_passes_of_rows(settings: tuple[str, ...], passes: int, tmp_path: Path) -> None:
    made, _ = run(tmp_path, *settings)
    assert embed._passes(made.recipe.train, splits()) == passes


def test_long_training_leaves_time_to_look_at_all_rows(tmp_path: Path) -> None:
    made, stream = run(tmp_path, "train.length=3epochs")
    assert isinstance(embed.embed(made, splits(), source="files"), embed.TriedFirst)
    assert stream.getvalue() == ""


def test_short_training_does_not_and_says_so(tmp_path: Path) -> None:
    made, stream = run(tmp_path, "train.length=1epochs", "train.evaluate_every=1epochs")
    assert embed.embed(made, splits(), source="files") is None
    assert "about 39% of the training time (at most 20% is spent); finetune clean sentiment --deep does it" in stream.getvalue()


def test_policy_that_was_set_is_carried_out_whatever_it_takes(tmp_path: Path) -> None:
    made, _ = run(tmp_path, "train.length=20steps", "clean.label_errors=report")
    assert embed.embed(made, splits(), source="files") is not None


def test_nothing_is_loaded_or_said_where_both_rules_are_off_or_rows_are_few(tmp_path: Path) -> None:
    made, stream = run(tmp_path, "clean.label_errors=off", "clean.strangers=off")
    assert embed.embed(made, splits(), source="files") is None
    made, _ = run(tmp_path)
    assert embed.embed(made, splits(train=99), source="files") is None
    assert stream.getvalue() == ""


def test_texts_have_no_features_where_the_backbone_is_random(tmp_path: Path) -> None:
    made, _ = run(tmp_path, "model.random=true", "train.freeze=none")
    found = embed.embed(made, splits(), source="files")
    assert isinstance(found, embed.ByPatches)
    assert found(splits()["train"]) is None


def test_pictures_are_seen_by_patches_where_the_backbone_is_random(tmp_path: Path) -> None:
    from finetune.data.samples import digits

    pictures = digits.rows().splits["train"]
    made, _ = run(tmp_path, recipe="images")
    found = embed.embed(made, {"train": pictures, "validation": pictures, "test": pictures}, source="sample")
    assert isinstance(found, embed.ByPatches)
    features = found(pictures.slice(0, 200))
    assert features is not None and features.shape[0] == 200 and np.isfinite(features).all()
    assert "patches" in found.said


def write(file: Path, rows: int, swapped: tuple[int, ...]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("text", "label"))
        for row in range(rows):
            good = row % 2 == 1
            words = " ".join(["good" if good else "bad"] * 3 + ["film"] * (row % 5))
            writer.writerow((f"{words} {row}", "pos" if good != (row in swapped) else "neg"))


@pytest.mark.slow
def test_deep_cleaning_finds_swapped_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.csv", 160, swapped=(7, 50, 90))
    write(tmp_path / "held.csv", 20, swapped=())
    backbone = tiny.write("bert", tmp_path / "backbone", words=["good", "bad", "film"])
    files = ["data.files.train=train.csv", "data.files.validation=held.csv", "data.files.test=held.csv"]
    off = [f"clean.{rule}=off" for rule in ("duplicates", "contradictions", "near_duplicates", "near_contradictions")]
    result = CliRunner().invoke(app, ["clean", "sentiment", "--deep", *files, *off, f"model.name={backbone}",
                                      "clean.leakage=report", "train.length=20steps"])
    assert result.exception is None, result.output
    (place,) = (tmp_path / "runs" / "sentiment").glob("2*")
    quality = RunFolder(place).read("data/quality.json")
    found = {example["row"] for example in quality["suspects"]["examples"]}
    assert found and found <= {"train.csv:9", "train.csv:52", "train.csv:92"}
    assert quality["suspects"]["features"] == f"mean of the last hidden states of {backbone}, frozen"
    assert quality["strangers"]["checked"] == 160


def test_deep_and_off_contradict_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["clean", "sentiment", "--deep", "clean.strangers=off"])
    assert isinstance(result.exception, SpecError)
    assert "--deep: asks for strangers, but clean.strangers=off is set." in str(result.exception)


@pytest.mark.parametrize(("recipe", "rules"), [
    ("sentiment", ["label_errors", "strangers"]), ("images", ["label_errors", "strangers"]), ("toxicity", ["strangers"]),
    ("similarity", ["strangers"]), ("image_score", ["strangers"]),
])
def test_deep_cleaning_asks_for_the_rules_that_the_task_has_a_use_for(recipe: str, rules: list[str]) -> None:
    assert deeper(load(recipe)) == [f"clean.{rule}=report" for rule in rules]


@pytest.mark.parametrize("recipe", ["ner", "qa", "summarize"])
@pytest.mark.parametrize(("asked", "key"), [("--deep", "--deep"), ("clean.strangers=report", r"clean\.strangers")])
def test_rows_that_are_never_embedded_are_not_asked_for(recipe: str, asked: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["clean", recipe, "data.source=sample", asked])
    assert isinstance(result.exception, SpecError)
    assert re.match(rf"{key}: (rows are embedded only where|this task has no text or image)", str(result.exception))
    assert asked != "--deep" or not (tmp_path / "runs").exists()


class Told:
    """Features of texts such as `3 120` that tell their label, or nothing but their number."""

    said = why_not = ""

    def __init__(self, knows: bool) -> None:
        self.knows, self.asked = knows, list[int]()

    def __call__(self, rows: pa.Table) -> np.ndarray:
        self.asked.append(rows.num_rows)
        found = np.random.default_rng(rows.num_rows).normal(size=(rows.num_rows, 4)).astype(np.float32)
        found[:, 0] += [8 * self.knows * (label == "pos") for label in rows["label"].to_pylist()]
        found[:, 1] = [int(text.split()[1]) for text in rows["text"].to_pylist()]
        return found


def labelled(rows: int) -> pa.Table:
    labels = [("pos", "neg")[row % 2] for row in range(rows)]
    return pa.table({"row": [f"r:{row}" for row in range(rows)], "hash": [str(row) for row in range(rows)],
                     "text": [f"{row % 7} {row}" for row in range(rows)], "label": labels})


def test_some_rows_are_tried_first_and_all_are_seen_where_they_tell_the_labels(tmp_path: Path) -> None:
    made, _ = run(tmp_path)
    told = Told(knows=True)
    seen = embed.TriedFirst(made, told)
    features = seen(labelled(1000))
    assert (told.asked, seen.why_not) == ([300, 700], "")
    assert features is not None and features[:, 1].tolist() == list(range(1000))
    assert seen(labelled(50)) is not None and told.asked[2:] == [50]


def test_nothing_more_is_seen_where_a_probe_would_know_too_little(tmp_path: Path) -> None:
    made, _ = run(tmp_path)
    told = Told(knows=False)
    seen = embed.TriedFirst(made, told)
    assert seen(labelled(1000)) is None and seen(labelled(50)) is None
    assert told.asked == [300]
    assert "on 300 embedded rows" in seen.why_not and "--deep" in seen.why_not


@pytest.mark.parametrize(("settings", "labels", "tries"), [
    ((), ["a", "b"] * 500, True), (("clean.strangers=report",), ["a", "b"] * 500, False), ((), ["a", "b"] * 200, False),
    ((), ["a"] * 900 + ["b"] * 100, False),
])
def test_rows_are_tried_where_nobody_asked_for_more_and_labels_are_even(
    tmp_path: Path, settings: tuple[str, ...], labels: list[str], tries: bool
) -> None:
    made, _ = run(tmp_path, "train.length=20epochs", *settings)
    train = splits(len(labels))["train"].set_column(2, "label", pa.array(labels))
    found = embed.embed(made, splits() | {"train": train}, source="files")
    assert isinstance(found, embed.TriedFirst if tries else embed.ByBackbone)
