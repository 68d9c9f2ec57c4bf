"""RoBERTa with its byte pairs, from rows to answers: entities, answers to questions, and several labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.backbones import tiny
from finetune.predict import Predictor
from tests.conftest import QUICK, sample_words
from tests.warm import Warm

pytestmark = pytest.mark.slow
LONG = " ".join(["Maria Costa of Porto met the board on Monday, and nobody from Lisbon came."] * 20)
ASKED = {
    "ner": [LONG, "Maria Costa lives in Porto."],
    "qa": [{"question": "Who met the board?", "context": LONG}, {"question": "Where?", "context": "In Porto."}],
    "toxicity": ["You are a fool.", "Thank you, Zoë."],
}


@pytest.fixture(scope="module", params=ASKED)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> tuple[str, Path, str]:
    """A short run of the recipe."""
    name, cwd = request.param, tmp_path_factory.mktemp(request.param)
    backbone = tiny.write("roberta", cwd / "backbone", words=sample_words(), byte_level=True)
    done = warm.finetune("run", name, *QUICK, f"model.name={backbone}", "train.length=12steps", "train.evaluate_every=6steps",
                         "export.max_score_drop=0.5", "clean.label_errors=off", "clean.strangers=off", cwd=cwd)
    assert done.returncode == 0, done.stdout
    return name, (cwd / "runs" / name / "last").resolve(), done.stdout


def test_loss_falls(made: tuple[str, Path, str]) -> None:
    events = [json.loads(text) for text in (made[1] / "log.jsonl").read_text().splitlines()]
    losses = [event["loss"] for event in events if event["event"] == "step"]
    assert len(losses) == 12
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


def test_onnx_answers_as_pytorch_does_on_validation_rows(made: tuple[str, Path, str]) -> None:
    report = json.loads((made[1] / "onnx/report.json").read_text())
    exported = {entry["name"]: entry for entry in report["artifacts"]}
    assert exported["fp32"]["max_abs_diff"] <= 1e-4
    assert exported["fp32"]["agreement"] == 1.0
    assert {entry["verdict"] for entry in exported.values()} <= {"reference", "pass", "unresolved"}


def test_what_is_said_of_texts_has_its_sources(made: tuple[str, Path, str]) -> None:
    name, run, printed = made
    limit = {"ner": "in windows of at most 128", "qa": "in windows of at most 160", "toxicity": "at most 128"}[name]
    line = next(line.strip() for line in printed.splitlines() if line.startswith("  texts "))
    assert line.startswith(f"texts as they are written (the weights' tokenizer.json), {limit} tokens (")
    assert json.loads((run / "metrics.json").read_text())["preprocessing"] == [line]
    for file in ("README.md", "report.html"):
        assert "exts as they are written" in (run / file).read_text()


def test_texts_longer_than_the_model_takes_are_answered(made: tuple[str, Path, str]) -> None:
    name, run, _ = made
    predictor = Predictor.open(run)
    asked: list[Any] = ASKED[name]
    for row, answer in zip(asked, predictor(asked), strict=True):
        text = row["context"] if name == "qa" else row
        for found in answer["entities"] if name == "ner" else [answer] if name == "qa" else ():
            told = found["text" if name == "ner" else "answer"]
            assert told is None or text[found["start"]:found["end"]] == told
