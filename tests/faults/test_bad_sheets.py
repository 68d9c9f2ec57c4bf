"""Review sheets that cannot be followed: every line that is wrong is named, and nothing is remembered."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from finetune.clean.review import marks
from finetune.errors import DataError

ROLES = {"text": "text", "label": "label"}
COLUMNS = ("row", "hash", "rule", "label", "verdict")


def key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


ONE, TWO = key("one"), key("two")


def problems(tmp_path: Path, *lines: tuple[str, ...], labels: tuple[str, ...] = ("pos", "neg")) -> list[str]:
    """What is said of these lines, without the folder."""
    with (tmp_path / "review.csv").open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([COLUMNS, *lines])
    table = pa.table({"hash": [ONE, TWO], "text": ["one", "two"], "label": pa.array(labels, pa.string())})
    with pytest.raises(DataError) as error:
        marks.verdicts(marks.read(tmp_path / "review.csv"), {"train": table}, ROLES, rules=("language", "outliers"), date="")
    return str(error.value).replace(f"{tmp_path}/", "").splitlines()


def test_unknown_verdict_is_answered_with_the_nearest_word(tmp_path: Path) -> None:
    assert problems(tmp_path, ("r:2", ONE, "language", "pos", "dorp"), ("r:3", TWO, "language", "neg", "poss")) == [
        "review.csv:2: verdict 'dorp' found, allowed is keep, drop or a label (neg, pos). Did you mean 'drop'?",
        "review.csv:3: verdict 'poss' found, allowed is keep, drop or a label (neg, pos). Did you mean 'pos'?"]


def test_hash_that_no_row_has_is_told(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, ("r:2", "1.79E+40", "language", "pos", "keep"))
    assert problem.startswith("review.csv:2: no row has the hash '1.79E+40'. Leave the column 'hash' as it was, and name the data as they were")


def test_label_that_was_overwritten_instead_of_a_verdict_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, ("r:2", ONE, "language", "neg", "keep")) == [
        "review.csv:2: the row is labelled 'pos' in the data, in this sheet 'neg'. Leave the column 'label' as it was and write the new "
        "label into 'verdict'."]


def test_unknown_rule_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, ("r:2", ONE, "langage", "pos", "keep")) == [
        "review.csv:2: there is no rule 'langage'. Did you mean 'language'? Leave the column 'rule' as it was."]


@pytest.mark.parametrize(("first", "second"), [
    (("language", "drop"), ("language", "keep")), (("language", "drop"), ("outliers", "neg")), (("language", "neg"), ("language", "drop")),
])
def test_lines_about_one_row_that_disagree_are_told(first: tuple[str, str], second: tuple[str, str], tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, ("r:2", ONE, first[0], "pos", first[1]), ("r:9", ONE, second[0], "pos", second[1]))
    assert problem == (f"review.csv:3: {second[1]!r} disagrees with {first[1]!r} in line 2, which is about the same content and label. "
                       "Leave one of them.")


def test_all_that_is_wrong_is_told_at_once_up_to_a_page(tmp_path: Path) -> None:
    found = problems(tmp_path, *[("r:2", ONE, "language", "pos", f"what {number}") for number in range(30)])
    assert len(found) == 21
    assert found[-1] == "10 more lines are wrong."


@pytest.mark.parametrize(("content", "message"), [
    (b"", "has no column hash, rule, label, verdict; columns found: none"),
    (b"text,label\na,b\n", r"has no column hash, rule, verdict; columns found: text, label\. Give the review\.csv that `finetune clean` wrote"),
    (b"hash,rule,label,verdict\na,b,c,\na,b,c,  \n", "no line has a verdict. Write keep, drop or a label into the column 'verdict'"),
    (b"PK\x03\x04rest", "is a workbook, not a CSV file. Save the sheet as CSV"),
    (b"hash,rule,label,verdict\n\x81\x8d", "is in no encoding that spreadsheets write"),
    (b"hash,rule,label,verdict\na,b,c," + b"x" * 200_000, r"review\.csv:2: cannot be read \(field larger than field limit"),
], ids=["empty", "another table", "nobody wrote", "workbook", "no encoding", "huge cell"])
def test_file_that_is_no_sheet_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "review.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        marks.read(tmp_path / "review.csv")


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_file_that_is_not_there_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        marks.read(tmp_path / name)
