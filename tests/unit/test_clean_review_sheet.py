"""The sheet: what is asked, in which order, and that a spreadsheet takes it for what it is."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from finetune.clean.ledger import LedgerLine
from finetune.clean.review import sheet
from finetune.clean.review.verdicts import Verdict

POLICIES = {"language": "report", "outliers": "report", "near_duplicates": "report", "encoding": "fix", "duplicates": "drop",
            "placeholders": "report", "label_errors": "report", "contradictions": "drop"}
ROLES = {"text": "text", "label": "label"}


def found(rule="language", action="reported", *, position=0, split="train", confidence=None, **cells):
    return LedgerLine(f"r.csv:{position + 2}", "of the repaired text", split, rule, action, f"{rule} it is",
                      column=cells.pop("column", "text"), position=position, confidence=confidence, **cells)


def table(*rows):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(rows) + 2)], "hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string())})


def written(asked, file: Path, *rows, known=()):
    sheet.write(asked, {"train": table(*rows)}, ROLES, file=file, known=known)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.parametrize(("line", "asks"), [
    (found(), True),
    (found(split="test"), True),
    (found(action="dropped"), False),  # somebody has set its policy to drop
    (found("contradictions", "dropped"), True),  # a person may know which label is right
    (found("whitespace", "changed", before=" a", after="a"), False),
    (found("personal_data", before="a@b.org", after="[email]"), False),  # a setting masks them all
    (found("encoding", before="\ufffd"), True),  # beyond repair
    (found("label_errors", column="label", before="x", after="y"), True),
    (found("label_errors", "changed", column="label", before="x", after="y"), True),
    (found("leakage", split="test"), False),
    (found("duplicates", split="test"), False),  # dropped where rows may be dropped
    (found("contradictions", split="test"), True),
    (found("verdicts", "dropped"), False),
])
def test_a_person_is_asked_what_a_person_can_judge(line: LedgerLine, asks: bool) -> None:
    assert sheet.questions([line], ROLES, policies=POLICIES) == ([line] if asks else [])


def test_surest_findings_come_first_and_those_that_cannot_tell_last() -> None:
    lines = [found("language"), found("near_duplicates", confidence=0.8), found("outliers"), found("label_errors", confidence=1.0),
             found("placeholders", confidence=0.0)]
    assert [line.rule for line in sheet.questions(lines, ROLES, policies=POLICIES)] == ["label_errors", "near_duplicates", "placeholders", "language", "outliers"]


def test_row_is_asked_about_once_for_each_rule() -> None:
    lines = [found(), found(column="second"), found("outliers"), found(position=1), found(split="test")]
    assert sheet.questions(lines, ROLES, policies=POLICIES) == [lines[0], *lines[2:]]


def test_cells_are_those_of_the_row_as_it_came(tmp_path: Path) -> None:
    (line,) = written([found(position=1, confidence=0.876)], tmp_path / "review.csv", ("one", "x"), ("  two\u00e9  ", "y"))
    assert line == {"row": "r.csv:3", "split": "train", "hash": hashlib.sha256("  two\u00e9  ".encode()).hexdigest(), "rule": "language", "label": "y",
                    "suggestion": "", "confidence": "0.88", "reason": "language it is", "text": "  two\u00e9  ", "verdict": ""}


def test_suggestion_is_the_label_that_the_rule_would_give(tmp_path: Path) -> None:
    (line,) = written([found("label_errors", column="label", before="x", after="y")], tmp_path / "review.csv", ("one", "x"))
    assert line["suggestion"] == "y"


def test_file_begins_with_the_mark_that_spreadsheets_ask_for(tmp_path: Path) -> None:
    written([found()], tmp_path / "review.csv", ("one", "x"))
    assert (tmp_path / "review.csv").read_bytes().startswith(b"\xef\xbb\xbfrow,split,hash,")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1", "-", "=HYPERLINK(\"http://x\")"])
def test_formulas_are_defused_and_come_back(cell: str) -> None:
    assert sheet.defused(cell) == f"'{cell}"
    assert sheet.restored(sheet.defused(cell)) == cell


@pytest.mark.parametrize("cell", ["", "plain", "'quoted'", "a=b", "1-2", "it's", "'"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert sheet.defused(cell) == cell == sheet.restored(cell)


def test_no_cell_of_a_hostile_file_is_a_formula(tmp_path: Path) -> None:
    lines = written([found(), found("outliers", position=1)], tmp_path / "review.csv", ("=cmd|' /C calc'!A0", "=x"), ("\t@SUM(1)", "-1"))
    assert all(not cell.startswith(tuple("=+-@\t\r")) for line in lines for cell in line.values())
    assert [line["label"] for line in lines] == ["'=x", "'-1"]


def test_a_finding_is_one_line_of_the_file_however_many_its_text_has(tmp_path: Path) -> None:
    (line,) = written([found()], tmp_path / "review.csv", ("one\ntwo\r\n\x00three\u2028four", "x"))
    assert line["text"] == "one two three four"
    assert len((tmp_path / "review.csv").read_text().splitlines()) == 2


def test_very_long_text_is_cut(tmp_path: Path) -> None:
    (line,) = written([found()], tmp_path / "review.csv", ("a" * 50_000, "x"))
    assert line["text"] == "a" * 997 + "..."


def test_sheet_has_no_more_lines_than_anybody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MOST", 3)
    lines = written([found(position=place) for place in range(5)], tmp_path / "review.csv", *[(str(i), "x") for i in range(5)])
    assert [line["row"] for line in lines] == ["r.csv:2", "r.csv:3", "r.csv:4"]


@pytest.mark.parametrize(("said", "to", "cell"), [("keep", None, "keep"), ("drop", None, "drop"), ("relabel", "y", "y"), ("relabel", "Keep", "label: Keep")])
def test_what_was_decided_stands_in_the_sheet(said: str, to: str | None, cell: str, tmp_path: Path) -> None:
    known = [Verdict(hashlib.sha256(b"one").hexdigest(), "x", "language", said, to)]
    first, second = written([found(), found("outliers")], tmp_path / "review.csv", ("one", "x"), known=known)
    assert (first["verdict"], second["verdict"]) == (cell, "")


def test_pictures_are_told_by_their_path_and_those_without_by_their_row(tmp_path: Path) -> None:
    roles = {"image": "image", "label": "label"}
    for cells, shown in ((pa.array(["a/1.png"]), "a/1.png"), (pa.array([b"bytes"], pa.binary()), "hub:0")):
        rows = pa.table({"row": ["hub:0"], "hash": ["h"], "image": cells, "label": ["a"]})
        line = LedgerLine("hub:0", "h", "train", "outliers", "reported", "tiny", column="image", position=0)
        sheet.write([line], {"train": rows}, roles, file=tmp_path / "review.csv")
        assert f",tiny,{shown}," in (tmp_path / "review.csv").read_text()
