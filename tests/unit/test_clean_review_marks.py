"""What a person wrote into a sheet, however the spreadsheet saved it."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pyarrow as pa
import pytest

from finetune.clean.review import marks, sheet
from finetune.clean.review.verdicts import Verdict

ROLES = {"text": "text", "label": "label"}
RULES = ("language", "outliers", "contradictions")


def key(text):
    return hashlib.sha256(text.encode()).hexdigest()


def line(text="one", label="pos", verdict="drop", *, rule="language", row="r.csv:2"):
    return {"row": row, "split": "train", "hash": key(text), "rule": rule, "label": label, "suggestion": "", "confidence": "",
            "reason": "why", "text": text, "verdict": verdict}


def saved(file: Path, *lines, delimiter=",", encoding="utf-8-sig", columns=sheet.COLUMNS):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    file.write_bytes(text.getvalue().encode(encoding))
    return marks.read(file)


def meant(found, *rows):
    texts, labels = zip(*(rows or [("one", "pos"), ("two", "neg")]), strict=True)
    table = pa.table({"hash": [key(text) for text in texts], "text": pa.array(texts), "label": pa.array(labels, pa.string())})
    return marks.verdicts(found, {"train": table}, ROLES, rules=RULES, date="2026-11-22")


def said(tmp_path: Path, cell: str, *rows, label="pos"):
    (verdict,) = meant(saved(tmp_path / "s.csv", line(label=label, verdict=cell)), *rows)
    return verdict.verdict, verdict.to


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16", "cp1252"])
def test_sheet_is_read_in_every_form_that_spreadsheets_save(delimiter: str, encoding: str, tmp_path: Path) -> None:
    found = saved(tmp_path / "s.csv", line(label="sch\u00f6n"), line("two", "pos", ""), delimiter=delimiter, encoding=encoding)
    assert [(mark.label, mark.verdict, mark.where) for mark in found] == [("sch\u00f6n", "drop", f"{tmp_path}/s.csv:2")]


def test_columns_may_be_in_any_order_and_those_that_only_show_may_be_gone(tmp_path: Path) -> None:
    found = saved(tmp_path / "s.csv", line(), columns=("verdict", "label", "rule", "hash"))
    assert meant(found) == (Verdict(key("one"), "pos", "language", "drop", date="2026-11-22"),)


def test_verdict_keeps_where_it_came_from(tmp_path: Path) -> None:
    assert meant(saved(tmp_path / "s.csv", line())) == (
        Verdict(key("one"), "pos", "language", "drop", None, "r.csv:2", "why", "2026-11-22"),)


def test_cells_left_out_at_the_end_are_empty(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(f"hash,rule,label,verdict\n{key('one')},language,pos\n{key('two')},language,neg,keep\n")
    assert [mark.hash for mark in marks.read(tmp_path / "s.csv")] == [key("two")]


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    head = "hash,rule,label,text,verdict\n"
    (tmp_path / "s.csv").write_text(f'{head}a,r,x,"two\nlines",keep\nb,r,x,one,\nc,r,x,one,drop\n')
    assert [mark.where.rpartition(":")[2] for mark in marks.read(tmp_path / "s.csv")] == ["2", "5"]


@pytest.mark.parametrize(("cell", "expected"), [
    ("keep", ("keep", None)), (" Keep ", ("keep", None)), ("DROP", ("drop", None)), ("neg", ("relabel", "neg")),
    ("NEG", ("relabel", "neg")), ("label: neg", ("relabel", "neg")), ("Label:neg", ("relabel", "neg")), ("pos", ("keep", None)),
])
def test_cell_says_keep_drop_or_a_label(cell: str, expected: tuple[str, str | None], tmp_path: Path) -> None:
    assert said(tmp_path, cell) == expected


def test_label_that_is_called_keep_is_written_with_its_key(tmp_path: Path) -> None:
    rows = [("one", "pos"), ("two", "keep")]
    assert said(tmp_path, "keep", *rows) == ("keep", None)
    assert said(tmp_path, "label: keep", *rows) == ("relabel", "keep")


@pytest.mark.parametrize(("written", "label"), [("TRUE", "true"), ("1", "01"), ("1.0", "1"), ("'-1", "-1"), ("-1", "-1"), ("2,5", "2.5")])
def test_label_is_known_as_a_spreadsheet_respells_it(written: str, label: str, tmp_path: Path) -> None:
    assert said(tmp_path, written, ("one", "pos"), ("two", label)) == ("relabel", label)
    assert said(tmp_path, "pos", ("one", label), ("two", "pos"), label=written) == ("relabel", "pos")


def test_labels_that_differ_in_case_alone_are_told_apart(tmp_path: Path) -> None:
    assert said(tmp_path, "Neg", ("one", "pos"), ("two", "neg"), ("three", "Neg")) == ("relabel", "Neg")


def test_rows_of_equal_text_and_other_labels_are_told_apart(tmp_path: Path) -> None:
    rows = [("one", "pos"), ("one", "neg")]
    found = saved(tmp_path / "s.csv", line(label="pos", verdict="keep"), line(label="neg", verdict="drop", row="r.csv:3"))
    assert [(verdict.label, verdict.verdict) for verdict in meant(found, *rows)] == [("pos", "keep"), ("neg", "drop")]


def test_rows_of_equal_content_may_have_the_same_verdict(tmp_path: Path) -> None:
    found = saved(tmp_path / "s.csv", line(), line(row="r.csv:7"), line(rule="outliers"), line(rule="contradictions", verdict="keep"))
    assert {verdict.verdict for verdict in meant(found)} == {"drop", "keep"}


def test_what_the_sheet_defused_is_read_as_it_was(tmp_path: Path) -> None:
    found = saved(tmp_path / "s.csv", line("=1", "'=x", "'=y"))
    assert meant(found, ("=1", "=x"), ("two", "=y"))[0].to == "=y"
