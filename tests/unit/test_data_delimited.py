"""CSV and TSV: the two ways through a file agree, and records are known by the line on which they start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.data import delimited
from finetune.data.read import read_tables
from finetune.data.table_file import TableFile, Wanted
from finetune.data.written import Text
from finetune.errors import DataError

ROLES = {"text": "text", "label": "label"}
POSITIONS = {"label": "0", "text": "1"}


def read(file: Path, content: str, **settings: Any) -> dict[str, list[str | None]]:
    file.write_bytes(content.encode())
    return read_tables([TableFile.at(file, "data.files.train")], Wanted(ROLES, **settings))[0].to_pydict()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("lines", [
    ["text,label", "a,x", "b,y"], ["", "text,label", "", "a,x", "", "", "b,y", ""], ["text,label,", "a,x,", " b ,y,1"],
    ["text,label", ",", "\u00e9\u2028,x\x85"], ["id,text,text2,label", "1,a,b,x", "2,,,"],
])
def test_arrow_reads_what_the_csv_module_reads(tmp_path, lines, end):
    text = Text((end.join(lines) + end).encode())
    names = next(line for line in lines if line).split(",")
    places = {"text": names.index("text"), "label": names.index("label")}
    file = TableFile.at(tmp_path / "a.csv", "k")
    fast = delimited._unquoted(text, ",", places, width=len(names), aside=None)
    slow = delimited._parsed(text, ",", places, file=file, wanted=Wanted(ROLES))
    assert fast is not None
    assert list(fast[0]) == list(slow[0])
    assert {name: cells.to_pylist() for name, cells in fast[1].items()} == {
        name: cells.to_pylist() for name, cells in slow[1].items()}


def test_arrow_leaves_faults_to_the_csv_module():
    assert delimited._unquoted(Text(b"text,label\na\n"), ",", {"text": 0}, width=2, aside=None) is None


def test_records_of_several_lines_are_numbered_beyond_a_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_CHUNK_ROWS", 3)
    rows = "".join(f'"line {number}\r\nand, more",x\n\n' for number in range(4)) + "last,y\n"
    table = read(tmp_path / "a.csv", "text,label\n" + rows)
    assert table["row"] == [f"a.csv:{line}" for line in (2, 5, 8, 11, 14)]
    assert table["text"][3] == "line 3\r\nand, more"


def test_file_without_header_is_read_by_position(tmp_path):
    table = read(tmp_path / "a.tsv", "ham\tfine\nspam\tfree\n", columns=POSITIONS)
    assert table["row"] == ["a.tsv:1", "a.tsv:2"]
    assert (table["text"], table["label"]) == (["fine", "free"], ["ham", "spam"])


def test_equal_cells_in_the_first_row_are_no_repeated_names(tmp_path):
    assert read(tmp_path / "a.csv", "7,7\n8,a b\n", columns=POSITIONS)["text"] == ["7", "a b"]


def test_columns_that_are_called_0_and_1_are_a_header(tmp_path):
    table = read(tmp_path / "a.csv", ",0,1\n0,ham,fine\n1,spam,free\n", columns=POSITIONS)
    assert (table["row"], table["label"]) == (["a.csv:2", "a.csv:3"], ["ham", "spam"])


def test_literal_quotes_stay_in_the_text(tmp_path):
    content = 'ham\t"hello\nspam\t"so" he said\nham\tbye"\n'
    table = read(tmp_path / "a.tsv", content, columns=POSITIONS, quotes="literal")
    assert table["text"] == ['"hello', '"so" he said', 'bye"']
    assert table["row"] == ["a.tsv:1", "a.tsv:2", "a.tsv:3"]


def test_delimiter_in_a_cell_cannot_be_quoted_where_quotes_are_text(tmp_path):
    with pytest.raises(DataError, match=r"a\.csv:2: 3 cells found, 2 expected\. With data\.quotes=literal no cell can hold ','"):
        read(tmp_path / "a.csv", 'ham,one\nspam,"two, three"\n', columns=POSITIONS, quotes="literal")


SWALLOWED = 'ham\tone\nspam\t"two\nham\tthree\nspam\tfour"\nham\tfive\n'


def test_swallowed_lines_are_noticed_and_counted(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.tsv", SWALLOWED, columns=POSITIONS)
    message = str(caught.value)
    assert message.startswith("data.files.train: a.tsv:2: a quote at the start of a cell makes one row of 3 lines")
    assert "Rows like it: 1, 2 (3 lines); rows swallowed: 2." in message
    assert "set data.quotes=literal; if these cells do have many lines, data.quotes=csv." in message


def test_either_option_reads_what_auto_stops_at(tmp_path):
    cells = {quotes: read(tmp_path / "a.tsv", SWALLOWED, columns=POSITIONS, quotes=quotes)["text"]
             for quotes in ("literal", "csv")}
    assert cells["literal"] == ["one", '"two', "three", 'four"', "five"]
    assert cells["csv"] == ["one", "two\nham\tthree\nspam\tfour", "five"]


@pytest.mark.parametrize("cell", ["Hello,\nI am fine", "a\nb\nc", "one, two,\nthree"])
def test_cells_of_several_lines_are_no_swallowed_rows(tmp_path, cell):
    table = read(tmp_path / "a.csv", f'text,label\n"{cell}",good\nfine,good\ndull,bad\n')
    assert table["text"][0] == cell


def test_broken_quotes_name_the_option_where_every_line_would_be_a_row(tmp_path):
    with pytest.raises(DataError, match=r'a\.tsv:2: text follows a closing quote .* set data\.quotes=literal: every line '
                                        r'then has 2 cells\.'):
        read(tmp_path / "a.tsv", 'ham\tone\nspam\t"so" he said\n', columns=POSITIONS)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.csv", 'text,label\n"so" he, said,x\n')
    assert "data.quotes" not in str(caught.value)
