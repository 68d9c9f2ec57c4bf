"""What the report tells a reader to look at first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.report import folder
from finetune.report.observations import observations, weak_labels
from tests.unit.test_report_folder import LABELS, export, log, metrics, quality, recipe, text_run

GOOD = [[70, 2, 3], [3, 70, 2], [2, 3, 70]]


def calm_run(run_dir: Path, **changed: Any) -> folder.Run:
    """A run in which nothing stands out, apart from what is changed."""
    measured = metrics(LABELS, GOOD) | {"notes": []}
    measured["baselines"]["tfidf_linear"]["gain"] = {"value": 0.16, "low": 0.10, "high": 0.22}
    judged = export()
    judged["artifacts"][2]["verdict"] = "pass"
    cleaned = quality(LABELS)
    cleaned["lengths"]["truncated"] = 0
    parts = {"metrics": measured, "export": judged, "quality": cleaned, "mistakes": [], "log": log(epochs=4)} | changed
    return folder.read(text_run(run_dir, **parts))


def texts(run: folder.Run, level: str = "warning") -> list[str]:
    return [line.text for line in observations(run) if line.level == level]


def test_a_calm_run_gives_no_warning(tmp_path: Path) -> None:
    assert observations(calm_run(tmp_path)) == []


def test_an_empty_run_gives_nothing_to_look_at(tmp_path: Path) -> None:
    assert observations(folder.read(tmp_path)) == []


def test_notes_of_the_run_come_after_the_warnings(tmp_path: Path) -> None:
    levels = [line.level for line in observations(folder.read(text_run(tmp_path)))]
    assert levels == sorted(levels, reverse=True)
    assert "The Hub was not reachable" in texts(folder.read(tmp_path), "note")[0]


@pytest.mark.parametrize(("gain", "words"), [
    ({"value": 0.012, "low": -0.008, "high": 0.031},
     "not clearly better than the baseline 'TF-IDF + linear': the gain is +1.2 points, 95% interval -0.8 to +3.1, which "
     "includes zero"),
    ({"value": -0.008, "low": -0.071, "high": 0.058}, "The model is not better than the baseline 'TF-IDF + linear'"),
    ({"value": -0.05, "low": -0.09, "high": -0.01}, "The model is worse than the baseline 'TF-IDF + linear'"),
])
def test_a_baseline_that_is_not_beaten_is_a_warning(tmp_path: Path, gain: dict[str, float], words: str) -> None:
    measured = metrics(LABELS, GOOD) | {"notes": []}
    measured["baselines"]["tfidf_linear"]["gain"] = gain
    assert words in texts(calm_run(tmp_path, metrics=measured))[0]


def test_rising_validation_loss_under_falling_training_loss_is_overfitting(tmp_path: Path) -> None:
    found = texts(calm_run(tmp_path, log=log(epochs=6)))
    assert len(found) == 1
    assert "overfits: validation loss was lowest at epoch 3 (0.500) and 0.770 at the end" in found[0]
    assert "The kept model is the one at epoch 3." in found[0]


def test_training_loss_that_does_not_fall_is_a_warning(tmp_path: Path) -> None:
    flat = [line | {"loss": 0.69} for line in log(epochs=4)]
    assert texts(calm_run(tmp_path, log=flat))[0].startswith("Training loss hardly fell: 0.690")


def test_a_best_last_evaluation_suggests_longer_training(tmp_path: Path) -> None:
    assert "longer training (train.length)" in texts(calm_run(tmp_path, log=log(epochs=3)), "note")[0]


def test_a_perfect_score_asks_for_no_longer_training(tmp_path: Path) -> None:
    perfect = [line | ({"scores": {"accuracy": 1.0}} if "scores" in line else {}) for line in log(epochs=3)]
    assert not any("longer training" in text for text in texts(calm_run(tmp_path, log=perfect), "note"))


def test_a_weak_label_is_named_with_what_it_is_taken_for(tmp_path: Path) -> None:
    measured = metrics(LABELS, [[64, 4, 7], [12, 11, 7], [5, 3, 67]]) | {"notes": [], "baselines": {}}
    run = calm_run(tmp_path, metrics=measured)
    assert texts(run) == ["The label 'neutral' is weak: F1 45.8%, 36.7% of its 30 rows are found, 12 are mistaken for "
                          "'negative'. The mean F1 over labels is 71.3% (test)."]
    assert [entry["label"] for entry in weak_labels(run)] == ["neutral"]


def test_a_label_that_is_never_found_says_so(tmp_path: Path) -> None:
    measured = metrics(LABELS, [[70, 0, 5], [20, 0, 10], [5, 0, 70]]) | {"notes": [], "baselines": {}}
    assert "'neutral' is never predicted correctly (30 rows)" in texts(calm_run(tmp_path, metrics=measured))[0]


def test_many_weak_labels_are_counted_not_listed(tmp_path: Path) -> None:
    labels = [f"label {place}" for place in range(12)]
    confusion = [[50 if row == column else 0 for column in range(12)] for row in range(12)]
    for row in range(5):
        confusion[row][row], confusion[row][11] = 5, 45
    measured = metrics(labels, confusion) | {"notes": [], "baselines": {}}
    found = texts(calm_run(tmp_path, metrics=measured))
    assert len(found) == 4
    assert found[-1].startswith("3 more labels with an F1 ten points or more below the mean")


def test_a_label_that_an_exported_model_loses_is_warned_of(tmp_path: Path) -> None:
    judged = export()
    judged["artifacts"] = judged["artifacts"][:2]
    judged["artifacts"][1]["warning"] = "loses 0.0400 of the F1 of 'no', and the whole score may lose 0.01"
    assert texts(calm_run(tmp_path, export=judged)) == [
        "ONNX fp32 loses 0.0400 of the F1 of 'no', and the whole score may lose 0.01."]


def test_a_withheld_model_is_named_with_its_loss_and_the_limit(tmp_path: Path) -> None:
    assert texts(calm_run(tmp_path, export=export())) == [
        "ONNX int8 was withheld, it does not pass: 2.8 points lost, 95% interval 1.1 to 4.6, 1.0 allowed."]


def test_an_undecided_model_is_published_with_a_warning(tmp_path: Path) -> None:
    judged = export()
    judged["artifacts"][2]["verdict"] = "unresolved"
    assert "ONNX int8 may lose more than is allowed" in texts(calm_run(tmp_path, export=judged))[0]


def test_a_slower_model_is_a_note_and_no_warning(tmp_path: Path) -> None:
    judged = export()
    judged["artifacts"][2] |= {"verdict": "slower", "reason": "is slower than fp32 here (1.24 against 1.04 ms a row)"}
    run = calm_run(tmp_path, export=judged)
    assert (texts(run), texts(run, "note")) == ([], [
        "ONNX int8 is slower than fp32 here (1.24 against 1.04 ms a row), so it is not published."])


def test_an_fp32_model_that_differs_is_reported_with_the_gates_reason(tmp_path: Path) -> None:
    judged = export()
    judged["artifacts"][1] |= {"verdict": "fail", "reason": "outputs differ by up to 3e-01"}
    judged["artifacts"][2]["verdict"] = "pass"
    assert texts(calm_run(tmp_path, export=judged)) == [
        "ONNX fp32 was withheld, it does not answer as PyTorch does: outputs differ by up to 3e-01."]


def test_a_validation_score_far_above_test_is_a_warning(tmp_path: Path) -> None:
    measured = metrics(LABELS, GOOD) | {"notes": [], "baselines": {}}
    measured["splits"]["validation"]["accuracy"] = {"value": 0.99, "low": 0.98, "high": 1.0}
    assert texts(calm_run(tmp_path, metrics=measured))[0].startswith("Accuracy on validation (99.0%) lies above")


@pytest.mark.parametrize(("cut", "level"), [(2, "note"), (31, "warning")])
def test_cut_rows_matter_from_one_percent_on(tmp_path: Path, cut: int, level: str) -> None:
    cleaned = quality(LABELS)
    cleaned["lengths"]["truncated"] = cut
    assert texts(calm_run(tmp_path, quality=cleaned), level)[0].startswith(f"{cut} of 1,175 rows (")


def test_share_of_tokens_that_the_cut_cost_is_said(tmp_path: Path) -> None:
    cleaned = quality(LABELS)
    cleaned["lengths"] |= {"truncated": 31, "cut_share": 0.014}
    assert "were cut there; 1.4% of all tokens are lost." in texts(calm_run(tmp_path, quality=cleaned), "warning")[0]


def test_uneven_labels_are_noted(tmp_path: Path) -> None:
    cleaned = quality(LABELS)
    cleaned["lengths"]["truncated"] = 0
    cleaned["classes"]["train"]["neutral"]["after"] = 20
    assert "526 training rows of 'negative', 20 of 'neutral'" in texts(calm_run(tmp_path, quality=cleaned), "note")[0]


def advised(recommended: str) -> dict[str, Any]:
    """Slightly uneven labels, and what was tried on frozen features."""
    cleaned = quality(LABELS)
    cleaned["lengths"]["truncated"] = 0
    cleaned["classes"]["train"]["neutral"]["after"] = 100
    way = {"name": "focal loss", "score": 0.61, "gain": {"value": 0.04, "low": 0.012, "high": 0.07}}
    setting = "train.loss=focal" if recommended == "focal loss" else "train.loss=cross_entropy"
    cleaned["balance"] = {"advice": {"recommended": recommended, "setting": setting, "tried": [way]}}
    return cleaned


def test_setting_that_makes_up_for_uneven_labels_is_a_warning(tmp_path: Path) -> None:
    found = texts(calm_run(tmp_path, quality=advised("focal loss")))
    assert found == ["The labels are uneven: 526 training rows of 'negative', 100 of 'neutral'. On frozen features "
                     "train.loss=focal reached a macro F1 of 61.0%, +4.0 points (+1.2 to +7.0) more than without. Try it "
                     "on a new run, and judge both by their macro F1 on validation."]


def test_setting_that_a_run_had_is_not_recommended_to_it(tmp_path: Path) -> None:
    values = recipe()
    values["values"]["train.loss"] = {"value": "focal"}
    assert texts(calm_run(tmp_path, quality=advised("focal loss"), recipe=values)) == []


def test_nothing_is_recommended_where_nothing_was_clearly_better(tmp_path: Path) -> None:
    assert texts(calm_run(tmp_path, quality=advised("none"))) == []


def test_flagged_rows_that_move_the_score_are_a_warning(tmp_path: Path) -> None:
    measured = metrics(LABELS, GOOD) | {"notes": [], "baselines": {}}
    measured["splits"]["test"]["unflagged"]["accuracy"]["value"] = 0.9
    assert texts(calm_run(tmp_path, metrics=measured)) == [
        "Without the 2 test rows that cleaning flagged, accuracy is 90.0% instead of 93.3%. They are in data/ledger.jsonl."]


def test_sure_mistakes_point_to_the_labels(tmp_path: Path) -> None:
    wrong = [{"row": "a:1", "label": "x", "prediction": "y", "probability": 0.97, "text": "t"}]
    assert "1 wrong test prediction had a probability of 95% or more" in texts(calm_run(tmp_path, mistakes=wrong), "note")[0]


def test_the_limit_is_left_out_where_the_recipe_is_not_known(tmp_path: Path) -> None:
    unknown = {key: value for key, value in recipe().items() if key != "values"}
    assert texts(calm_run(tmp_path, export=export(), recipe=unknown))[0].endswith("95% interval 1.1 to 4.6.")
