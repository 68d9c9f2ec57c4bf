"""Uneven labels from the first stage to the trained model: told, tried on frozen features, and made up for."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from finetune.backbones import tiny
from finetune.evaluate import advice
from tests.conftest import finetune, sample_words

pytestmark = pytest.mark.slow
Trained = tuple[Path, str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The run of a few steps over texts of which one in six is positive, and its console output."""
    cwd, words = tmp_path_factory.mktemp("uneven"), sample_words()
    with (cwd / "rows.csv").open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("text", "label"))
        for i in range(180):
            own = words[(7 * i) % 90], words[(11 * i + 5) % 97], words[(13 * i + 1) % 101], words[i % 89]
            writer.writerow((" ".join((*own, "good" if i % 6 == 0 else "bad")), "positive" if i % 6 == 0 else "negative"))
    backbone = tiny.write("bert", cwd / "backbone", words=words)
    done = finetune("train", "sentiment", "data.files.train=rows.csv", f"model.name={backbone}", "train.length=4steps",
                    "train.precision=fp32", "train.threads=1", "clean.strangers=report", "train.class_weights=balanced",
                    "train.loss=focal", cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return (next((cwd / "runs" / "sentiment").glob("2*"))).resolve(), done.stdout


def test_every_way_is_tried_on_the_features_that_are_there_anyhow(trained: Trained) -> None:
    run, said = trained
    entry = json.loads((run / "data" / "quality.json").read_text())["balance"]
    assert entry["counts"] == {"negative": 116, "positive": 22}
    assert (entry["ratio"], entry["effective"]) == (116 / 22, pytest.approx(1.551, abs=1e-3))
    assert [way["name"] for way in entry["advice"]["tried"]] == list(advice.WAYS)
    assert "labels are uneven: 116 training rows of 'negative', 22 of 'positive'; as varied as 1.6 labels" in said
    assert "tried on frozen features of 138 rows: " in said


def test_weights_of_the_labels_are_said_and_kept_with_the_run(trained: Trained) -> None:
    run, said = trained
    assert "a row counts by its label: negative 0.595, positive 3.14" in said
    kept = json.loads((run / "recipe.json").read_text())["values"]
    assert {key: kept[key]["value"] for key in ("train.class_weights", "train.loss", "train.sampler")} == {
        "train.class_weights": "balanced", "train.loss": "focal", "train.sampler": "all"}


def test_loss_on_validation_is_plain_cross_entropy(trained: Trained) -> None:
    """Of two labels it begins near log 2, whatever training minimises; a focal loss would begin near a quarter of it."""
    lines = [json.loads(line) for line in (trained[0] / "log.jsonl").read_text().splitlines()]
    evaluated = next(line["loss"] for line in lines if line["event"] == "eval")
    fitted = next(line["loss"] for line in lines if line["event"] == "step")
    assert evaluated == pytest.approx(0.69, abs=0.15)
    assert fitted < 0.3
