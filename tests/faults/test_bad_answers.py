"""Bad answers: files of another shape are refused with their place, answers that stand elsewhere have a ledger line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from finetune.data.read import read_tables
from finetune.data.table_file import TableFile, Wanted
from finetune.errors import DataError

ROLES = {"question": "text", "context": "text", "answers": "answers"}
KEY = "data.files.train"


def read(file: Path, content: Any) -> pa.Table:
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_tables([TableFile.at(file, KEY)], Wanted(ROLES))[0]


def article(*asked: dict[str, Any]) -> dict[str, Any]:
    return {"title": "Tea", "paragraphs": [{"context": "Tea is green.", "qas": list(asked)}]}


def test_both_versions_of_squad_are_read(tmp_path: Path) -> None:
    asked = [{"id": "1", "question": "What?", "answers": [{"text": "Tea", "answer_start": 0}, {"text": "green", "answer_start": 7}]},
             {"id": "2", "question": "Why?", "answers": [], "is_impossible": True, "plausible_answers": [{"text": "Tea", "answer_start": 0}]},
             {"id": "3", "question": "Who?"}]
    table = read(tmp_path / "a.json", {"version": "v2.0", "data": [article(*asked[:2]), article(asked[2])]})
    assert table["row"].to_pylist() == ["a.json:1", "a.json:2", "a.json:3"]
    assert table["answers"].to_pylist() == [{"text": ["Tea", "green"], "answer_start": [0, 7]}, {"text": [], "answer_start": []}, None]
    assert table["context"].to_pylist() == ["Tea is green."] * 3


@pytest.mark.parametrize("cell", [{"text": ["Tea"], "answer_start": [0]}, [{"text": "Tea", "answer_start": 0}],
                                  {"text": "Tea", "answer_start": 0}])
def test_flat_rows_are_read_in_every_spelling(tmp_path: Path, cell: Any) -> None:
    table = read(tmp_path / "a.jsonl", json.dumps({"question": "What?", "context": "Tea.", "answers": cell}))
    assert table["answers"].to_pylist() == [{"text": ["Tea"], "answer_start": [0]}]


def test_answers_are_read_from_cells_of_text(tmp_path: Path) -> None:
    cells = ['"{""text"": [""Tea""], ""answer_start"": [0]}"', '"[{""text"": ""green"", ""answer_start"": 7}]"', '"{""text"": [], ""answer_start"": []}"', '" "']
    table = read(tmp_path / "a.csv", "question,context,answers\n" + "".join(f"What?,Tea is green.,{cell}\n" for cell in cells))
    assert table["answers"].to_pylist() == [{"text": ["Tea"], "answer_start": [0]}, {"text": ["green"], "answer_start": [7]},
                                            {"text": [], "answer_start": []}, None]


def test_the_form_of_the_hub_is_read_from_parquet(tmp_path: Path) -> None:
    from pyarrow import parquet

    rows = pa.table({"question": ["What?"], "context": ["Tea."], "answers": [{"text": ["Tea"], "answer_start": [0]}]})
    parquet.write_table(rows, tmp_path / "a.parquet")
    table, _ = read_tables([TableFile.at(tmp_path / "a.parquet", KEY)], Wanted(ROLES))
    assert table["answers"].to_pylist() == [{"text": ["Tea"], "answer_start": [0]}]


@pytest.mark.parametrize(("cell", "said"), [
    ("Tea", "no text and answer_start found"), ({"text": ["Tea"]}, "no text and answer_start found"),
    ({"text": ["Tea"], "answer_start": [2**31]}, "an answer_start lies beyond any text"), ("[" * 100_000, "no text and answer_start found"),
    ({"text": ["Tea"], "answer_start": []}, "texts and answer_start differ in number"),
    ({"text": [7.5], "answer_start": [[0]]}, "an answer_start is not a number"),
    ({"text": [None], "answer_start": [0]}, "an answer is not text"),
])
def test_cells_that_are_no_answers_are_named(tmp_path: Path, cell: Any, said: str) -> None:
    good = {"question": "What?", "context": "Tea.", "answers": {"text": [], "answer_start": []}}
    with pytest.raises(DataError, match=rf"column 'answers': 1 of 2 rows .* a.jsonl:2 \({said}"):
        read(tmp_path / "a.jsonl", json.dumps(good) + "\n" + json.dumps({**good, "answers": cell}))


@pytest.mark.parametrize(("document", "said"), [
    ([{"paragraphs": "none"}], "a.json:article 1: no list of paragraphs found"),
    ([article(), {"title": "x"}], "a.json:article 2: no list of paragraphs found"),
    ([{"paragraphs": [{"context": None, "qas": []}]}], "a.json:article 1, paragraph 1: no context with a list of questions"),
    ([{"paragraphs": [{"context": "Tea."}]}], "a.json:article 1, paragraph 1: no context with a list of questions"),
])
def test_articles_of_another_shape_are_named(tmp_path: Path, document: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.json", {"data": document})
