"""The tables that page and card share."""

from __future__ import annotations

from pathlib import Path

from finetune.report import folder, tables
from tests.unit.test_report_folder import export, image_run, text_run


def test_the_primary_score_leads_and_every_split_has_a_column(tmp_path: Path) -> None:
    table = tables.scores(folder.read(text_run(tmp_path)))
    assert table
    assert table.head == ["", "Validation", "Test", "Test without flagged rows"]
    assert table.rows[0] == ["Accuracy", "78.9% (72.9 to 84.9%)", "78.9% (72.9 to 84.9%)", "79.3% (73.3 to 85.2%)"]
    assert table.rows[-1] == ["Rows", "180", "180", "178"]


def test_many_labels_show_the_weakest_and_say_so(tmp_path: Path) -> None:
    table = tables.by_label(folder.read(image_run(tmp_path, 50)))
    assert table
    assert len(table.rows) == 40
    assert "The 40 weakest of 50" in table.note


def test_calibration_tells_what_the_temperature_is_worth(tmp_path: Path) -> None:
    table = tables.calibration(folder.read(text_run(tmp_path)))
    assert table
    assert table.rows == [["Validation", "8.1", "2.2"], ["Test", "7.5", "3.1"]]
    assert "divided by 1.43," in table.note


def test_without_a_wrong_prediction_no_temperature_is_said_to_be_fitted(tmp_path: Path) -> None:
    sure = {"temperature": 1.0, "splits": {"validation": {"before": 0.3, "after": 0.3}}}
    table = tables.calibration(folder.read(text_run(tmp_path, metrics={"calibration": sure})))
    assert table
    assert "No temperature was fitted" in table.note


def test_a_task_without_temperature_has_no_calibration_table(tmp_path: Path) -> None:
    assert tables.calibration(folder.read(text_run(tmp_path, metrics={"calibration": None}))) is None


def test_gains_stand_beside_the_baselines(tmp_path: Path) -> None:
    table = tables.against_baselines(folder.read(text_run(tmp_path)))
    assert table
    assert [row[0] for row in table.rows] == ["This model", "TF-IDF + linear", "Most frequent label"]
    assert table.rows[1][2] == "+4.5 points (-1.1 to +9.9)"


def test_rules_tell_what_they_did_in_every_split(tmp_path: Path) -> None:
    table = tables.rules(folder.read(text_run(tmp_path)))
    assert table
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Encoding"] == ["fix", "12 changed, 2 reported", "none", "none"]
    assert rows["Duplicates"] == ["drop", "96 dropped", "3 reported", "none"]
    assert rows["Missing labels"] == ["off", "not run", "not run", "not run"]
    assert rows["Leakage"] == ["drop", "7 dropped", "none", "none"]


def test_only_pairs_of_splits_that_share_rows_are_named(tmp_path: Path) -> None:
    run = folder.read(text_run(tmp_path))
    assert tables.leakage(run) == "7 in train and 5 in test (dropped)"
    assert tables.flagged(run) == "1 row in validation, 2 rows in test"


def test_the_reference_is_not_compared_with_itself(tmp_path: Path) -> None:
    table = tables.export(folder.read(text_run(tmp_path)))
    assert table
    rows = {row[0]: row[1:] for row in table.rows}
    assert table.head == ["", "PyTorch", "ONNX fp32", "ONNX int8"]
    assert rows["Verdict"] == ["reference", "pass", "withheld"]
    assert rows["Points lost (95% interval)"] == ["", "0.0 (0.0 to 0.0)", "2.8 (1.1 to 4.6)"]
    assert rows["Largest difference of outputs"] == ["", "3.1e-7", "0.214"]
    assert rows["Points of F1 lost by a label, at most"] == ["", "", "4.1 (1.2 to 7.0), negative"]
    assert rows["95th percentile (ms)"] == ["21.7", "11.6", "5.34"]
    assert rows["Rows a second in batches"] == ["228", "428", "925"]
    assert "withheld/int8/model.onnx (ONNX int8)" in table.note


def test_what_no_exported_model_has_is_no_row(tmp_path: Path) -> None:
    judged = export()
    for artifact in judged["artifacts"]:
        artifact["label_drops"] = []  # as of a task without labels
    table = tables.export(folder.read(text_run(tmp_path, export=judged)))
    assert table
    assert not [row[0] for row in table.rows if "label" in row[0]]


def test_settings_leave_defaults_out_and_start_with_the_command_line(tmp_path: Path) -> None:
    table = tables.settings(folder.read(text_run(tmp_path)))
    assert table
    assert table.rows == [["seed", "21", "command line"], ["train.lr", "3e-5", "recipe"], ["train.batch", "32", "recipe"]]


def test_long_texts_are_clipped(tmp_path: Path) -> None:
    wrong = [{"row": "a:1", "label": "x", "prediction": "y", "probability": 0.9, "text": "w" * 5000}]
    table = tables.mistakes(folder.read(text_run(tmp_path, mistakes=wrong)))
    assert table
    assert table.rows[0][-1] == "w" * 300 + "..."


def test_of_many_mistakes_the_first_twelve_are_shown(tmp_path: Path) -> None:
    wrong = [{"row": f"a:{place}", "label": "x", "prediction": "y", "probability": 0.9, "text": "t"} for place in range(24)]
    table = tables.mistakes(folder.read(text_run(tmp_path, mistakes=wrong)))
    assert table
    assert [row[0] for row in table.rows] == [f"a:{place}" for place in range(12)]
    assert "The first 12 of 24" in table.note


def test_pictures_are_no_table_of_texts(tmp_path: Path) -> None:
    assert tables.mistakes(folder.read(image_run(tmp_path))) is None


def test_an_empty_run_has_no_tables(tmp_path: Path) -> None:
    run = folder.read(tmp_path)
    made = [tables.scores, tables.by_label, tables.against_baselines, tables.mistakes, tables.rules, tables.kept_rows,
            tables.export, tables.settings]
    assert [make(run) for make in made] == [None] * 8
