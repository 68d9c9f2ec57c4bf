"""A header or a first row: what is told from the cells, and which positions are proposed."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.data.header import columns, guess_positions
from finetune.data.table_file import TableFile, Wanted
from finetune.errors import SpecError

ROLES = {"text": "text", "label": "label"}
FILE = TableFile.at(Path("a.csv"), "data.files.train")


def found(first: list[str], *sample: list[str], roles: dict[str, str] = ROLES, **named: str) -> list[str]:
    return columns(first, sample, file=FILE, wanted=Wanted(roles, named))


def refusal(first: list[str], *sample: list[str], **named: str) -> str:
    with pytest.raises(SpecError) as caught:
        found(first, *sample, **named)
    return str(caught.value)


def test_header_is_the_first_record():
    assert found(["id", "text", "label"], ["1", "a", "b"]) == ["id", "text", "label"]


def test_positions_for_every_role_mean_no_header():
    assert found(["spam", "free entry", ""], text="1", label="0") == ["0", "1", "2"]


@pytest.mark.parametrize("first", [
    ["3", "Fears for pension"], ["ham", "a message of more than four words"], ["ham", "x" * 41], ["-1.5", "fine"],
])
def test_row_in_place_of_a_header_is_told_with_the_positions_to_give(first):
    message = refusal(first, ["4", "the race is on and a long text it is"], ["4", "another of the longer sort of texts"])
    assert f"data.columns: a.csv seems to have no header: its first row is {first[0]!r}, " in message
    assert "Give positions, which count from 0: data.columns.text=1 data.columns.label=0" in message


def test_label_that_comes_again_below_is_no_column_name():
    assert "seems to have no header" in refusal(["ham", "hi"], ["spam", "free"], ["ham", "bye"], label="kind")


def test_unknown_names_of_a_header_are_told_with_those_there_are():
    assert refusal(["sentence", "labels"], ["fine", "good"]).startswith(
        "data.columns.text: a.csv has no column 'text'. Columns: sentence, labels.")


def test_position_beside_a_name_is_told_the_name_of_its_column():
    message = refusal(["stars", "review"], ["5", "fine"], label="0", text="review")
    assert message == ("data.columns.label: 0 is a position, which counts in a CSV or TSV file without header, where every "
                       "column is given by one; a.csv has names. Columns: stars, review. Column 0 is 'stars'. Add "
                       "data.columns.label=NAME.")


def test_positions_for_a_file_with_header_are_refused():
    message = refusal(["label", "review"], ["5", "fine"], ["4", "dull"], label="0", text="1")
    assert "the first row of a.csv looks like one: 'label', 'review'" in message
    assert "Give names: data.columns.text=review data.columns.label=label" in message


def test_usual_word_that_is_a_label_is_no_header():
    assert found(["review", "a fine film"], ["title", "x"], ["review", "y"], label="0", text="1") == ["0", "1"]


def test_position_out_of_range_is_refused_with_the_row():
    assert refusal(["ham", "hi"], label="0", text="2") == (
        "data.columns.text: 2 is not a position in a.csv, whose first row is 'ham', 'hi'. Allowed are 0 to 1.")


@pytest.mark.parametrize(("rows", "roles", "expected"), [
    ([["1", "ham", "long text here"], ["2", "spam", "more text"], ["3", "ham", "text"]], ROLES, {"text": 2, "label": 1}),
    ([["x", "a", "long one"], ["x", "b", "long two"], ["x", "a", "long three"]], ROLES, {"text": 2, "label": 1}),
    ([["one two", "a longer one", "y"], ["two three", "a longer two", "n"]],
     {"first": "text", "second": "text", "label": "label"}, {"first": 0, "second": 1, "label": 2}),
    ([["only"], ["one"]], ROLES, {"text": "POSITION", "label": 0}),
])
def test_positions_are_guessed_from_the_cells(rows, roles, expected):
    assert guess_positions(rows, roles) == expected
