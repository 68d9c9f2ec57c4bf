"""The three answers at the top."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.report import folder
from finetune.report.verdict import verdict
from tests.unit.test_report_folder import LABELS, export, metrics, text_run

CONFUSION = [[64, 4, 7], [12, 11, 7], [5, 3, 67]]


def test_a_whole_run_answers_three_questions(tmp_path: Path) -> None:
    score, gain, deploy = verdict(folder.read(text_run(tmp_path)))
    assert (score.question, score.answer, score.detail) == (
        "Accuracy on test", "78.9%", "95% interval 72.9 to 84.9%, 180 test rows")
    assert (gain.question, gain.answer, gain.standing) == ("Gain over TF-IDF + linear", "+4.5 points", "unsure")
    assert deploy.answer == "ONNX fp32"
    assert deploy.detail == "86.9 MiB, 1.9 times as fast as PyTorch, ONNX int8 withheld"


@pytest.mark.parametrize(("low", "high", "standing"), [
    (0.01, 0.09, "good"), (-0.01, 0.09, "unsure"), (-0.09, -0.01, "bad")])
def test_the_interval_decides_how_the_gain_stands(tmp_path: Path, low: float, high: float, standing: str) -> None:
    measured = metrics(LABELS, CONFUSION)
    measured["baselines"]["tfidf_linear"]["gain"] = {"value": (low + high) / 2, "low": low, "high": high}
    assert verdict(folder.read(text_run(tmp_path, metrics=measured)))[1].standing == standing


def test_no_gain_is_not_called_chance(tmp_path: Path) -> None:
    measured = metrics(LABELS, CONFUSION)
    measured["baselines"]["tfidf_linear"]["gain"] = {"value": -0.008, "low": -0.071, "high": 0.058}
    gain = verdict(folder.read(text_run(tmp_path, metrics=measured)))[1]
    assert (gain.detail, gain.standing) == ("not better: 95% interval -7.1 to +5.8", "unsure")


def test_an_undecided_model_is_deployed_with_doubt(tmp_path: Path) -> None:
    judged = export() | {"default": "int8"}
    judged["artifacts"][2]["verdict"] = "unresolved"
    deploy = verdict(folder.read(text_run(tmp_path, export=judged)))[2]
    assert (deploy.answer, deploy.standing) == ("ONNX int8", "unsure")
    assert "too few rows to tell" in deploy.detail


def test_an_export_of_which_nothing_is_left_has_failed(tmp_path: Path) -> None:
    judged = export() | {"default": None}
    deploy = verdict(folder.read(text_run(tmp_path, export=judged)))[2]
    assert (deploy.answer, deploy.standing) == ("failed", "bad")


def test_an_empty_run_answers_not_done(tmp_path: Path) -> None:
    assert [box.answer for box in verdict(folder.read(tmp_path))] == ["not done"] * 3
