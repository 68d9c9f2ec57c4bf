"""CoNLL files as people have them: columns by tab or blank, comments, marks of documents, separators with a tab."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.data.read import read_tables
from finetune.data.table_file import TableFile, Wanted
from finetune.errors import DataError, SpecError

ROLES = {"tokens": "tokens", "label": "tags"}


def read(folder: Path, text: str, name: str = "a.conll", **columns: str) -> tuple[dict[str, list[object]], list[str]]:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    table, notes = read_tables([TableFile.at(file, "data.files.train")], Wanted(ROLES, columns))
    return table.to_pydict(), notes


def test_sentences_are_rows_numbered_by_their_first_line(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "Anna\tB-PER\nran\tO\n\nOslo\tB-LOC\n")
    assert found["row"] == ["a.conll:1", "a.conll:4"]
    assert found["tokens"] == [["Anna", "ran"], ["Oslo"]]
    assert found["label"] == [["B-PER", "O"], ["B-LOC"]]
    assert notes == []


def test_words_are_the_first_column_and_tags_the_last(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "Anna NNP I-NP I-PER\nran VBD I-VP O\n", "a.txt")
    assert (found["tokens"], found["label"]) == ([["Anna", "ran"]], [["B-PER", "O"]])


def test_other_columns_are_given_by_position(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "1\tB-PER\tAnna\tx\n2\tO\tran\tx\n", tokens="2", label="1")
    assert (found["tokens"], found["label"]) == ([["Anna", "ran"]], [["B-PER", "O"]])


def test_separators_may_hold_blanks_and_a_word_may_be_a_hash(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "#\tO\n\t\n \nOslo\tB-LOC\n")
    assert found["tokens"] == [["#"], ["Oslo"]]


def test_marks_and_comments_are_passed_over_and_counted(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "-DOCSTART- -X- -X- O\n\n# id 7 domain=en\nOslo _ _ B-LOC\n")
    assert found["tokens"] == [["Oslo"]]
    assert notes == ["a.conll: 2 marks of documents and comments are passed over"]


def test_a_wide_blank_is_a_word_where_tabs_part_columns(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "\u3000\tO\n\u6625\tB-LOC\n")
    assert found["tokens"] == [["\u3000", "\u6625"]]


def test_lines_without_all_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a.conll:2: 1 columns found \('ran'\), 2 in most lines. 2 rows like it \(2, 4\)"):
        read(tmp_path, "Anna B-PER\nran\n\nran\nOslo B-LOC\nhe O\n")


def test_a_file_of_words_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only one column found"):
        read(tmp_path, "Anna\nran\n")


def test_an_empty_tag_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a.conll:2: the word 'ran' has no tag"):
        read(tmp_path, "Anna\tB-PER\nran\t\n")


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"data.columns.label: '7' is not a column of a.conll, .* 2 columns"):
        read(tmp_path, "Anna B-PER\n", label="7")


def test_a_file_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a.conll has no words"):
        read(tmp_path, "\n\n-DOCSTART- O\n")
