"""What the report says was not done."""

from __future__ import annotations

from pathlib import Path

from finetune.report import folder
from finetune.report.gaps import PARTS, gaps
from tests.unit.test_report_folder import LABELS, export, interval, metrics, quality, text_run


def test_every_missing_part_is_named(tmp_path: Path) -> None:
    assert gaps(folder.read(tmp_path)) == list(PARTS.values())
    assert list(PARTS) == list(folder.PARTS)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    text_run(tmp_path)
    (tmp_path / "log.jsonl").write_text("{")
    assert [line for line in gaps(folder.read(tmp_path)) if line.startswith("log.jsonl:1 cannot be read: ")]


def test_rules_that_only_looked_and_rules_that_were_off_are_told_apart(tmp_path: Path) -> None:
    found = gaps(folder.read(text_run(tmp_path)))
    assert "The rule 'contradictions' only reported: 9 in train; these rows are unchanged." in found
    assert "The rule 'missing labels' was switched off." in found
    assert not [line for line in found if "'duplicates'" in line or "'whitespace'" in line]


def test_shared_rows_that_stay_where_they_are_count_as_only_reported(tmp_path: Path) -> None:
    cleaned = quality(LABELS)
    counts = {"found": 7, "changed": 0, "dropped": 0, "reported": 7}
    cleaned["leakage"] |= {"policy": "report", "splits": {"train": counts}}
    found = gaps(folder.read(text_run(tmp_path, quality=cleaned)))
    assert "The rule 'leakage' only reported: 7 in train; these rows are unchanged." in found


def test_a_split_is_small_when_its_interval_is_wider_than_five_points(tmp_path: Path) -> None:
    measured = metrics(LABELS, [[64, 4, 7], [12, 11, 7], [5, 3, 67]])
    measured["splits"]["validation"]["accuracy"] = interval(0.8, 10_000)
    small = [line for line in gaps(folder.read(text_run(tmp_path, metrics=measured))) if "is small" in line]
    assert small == ["The test split is small (180 rows): accuracy is known only to lie between 72.9 and 84.9%."]


def test_missing_splits_and_baselines_are_named(tmp_path: Path) -> None:
    measured = metrics(LABELS, [[64, 4, 7], [12, 11, 7], [5, 3, 67]]) | {"baselines": {}}
    del measured["splits"]["test"]
    found = gaps(folder.read(text_run(tmp_path, metrics=measured)))
    assert "No test rows were scored." in found
    assert "No baseline was measured, so the score has nothing to be compared with." in found


def test_fp16_model_was_not_timed_where_it_is_meant_to_run(tmp_path: Path) -> None:
    judged = export()
    judged["artifacts"][2] |= {"name": "fp16"}
    found = gaps(folder.read(text_run(tmp_path, export=judged)))
    assert found[-2:] == ["No int8 model was made.", "The fp16 model is for GPUs and was timed on the CPU alone."]


def test_an_export_without_int8_is_named(tmp_path: Path) -> None:
    judged = export()
    del judged["artifacts"][2]
    assert "No int8 model was made." in gaps(folder.read(text_run(tmp_path, export=judged)))
