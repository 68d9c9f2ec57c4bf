"""Lists of labels in every format come out alike, and what is no list is refused with its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from finetune.data import label_lists
from finetune.errors import DataError, SpecError
from tests.reading import read_table

ROLES = {"text": "text", "label": "labels"}
WANTED = [["a", "b"], [], ["b"], ["a", "c d"]]


def parsed(cells: list[Any], kind: Any = None) -> list[Any]:
    array = pa.array(cells, kind or pa.string())
    return label_lists.parse(array, [f"x.csv:{i + 2}" for i in range(len(cells))], column="label", key="data.files.train").to_pylist()


def read(file: Path, **columns: str) -> list[Any]:
    return read_table(file, columns=columns, roles=ROLES, key="data.files.train")["label"].to_pylist()


@pytest.mark.parametrize("cells", [
    ["a;b", "", "b", "a; c d"], ["a|b", " ", "b", "a | c d"], ["a, b", "", "b", "a,c d"],
    ['["a", "b"]', "[]", '["b"]', '["a","c d"]'], ['["a", "b"]', "", "b", "a;c d"], ["a;b;a;", ";", "b", "a;c d"],
])
def test_every_spelling_of_a_list_is_read_alike(cells: list[str]) -> None:
    assert parsed(cells) == WANTED


def test_names_in_json_lists_may_hold_marks() -> None:
    assert parsed(['["a;b", "c, d"]', "x;y"]) == [["a;b", "c, d"], ["x", "y"]]


def test_null_stays_unknown_and_is_not_the_empty_list() -> None:
    assert parsed([None, ""]) == [None, []]
    assert parsed([None, [], ["b", " b ", None, ""]], pa.list_(pa.string())) == [None, [], ["b"]]


def test_marks_that_differ_between_cells_are_refused_with_their_rows() -> None:
    with pytest.raises(DataError, match=r"column 'label': 1 of 4 cells hold another mark than ';', which parts the names in 2: "
                                        r"x.csv:4 'a\|b'\. Allowed are names with one mark"):
        parsed(["a;b", "b;c", "a|b", "c"])


@pytest.mark.parametrize("cell", ['["a"', "['a', 'b']", "[a]", '[["a"]]', '[{"a": 1}]', "[true]", '["a", null]', "[" * 9999])
def test_what_begins_like_a_list_and_is_none_is_refused_with_its_row(cell: str) -> None:
    with pytest.raises(DataError, match=r"column 'label': 1 of 2 cells are not lists: x.csv:3 .*Allowed are"):
        parsed(["a", cell])


def test_files_of_every_format_give_the_same_lists(tmp_path: Path) -> None:
    texts = [f"t{i}" for i in range(4)]
    table = pa.table({"text": texts, "label": pa.array(WANTED, pa.list_(pa.string()))})
    parquet.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, tmp_path / "a.arrow")
    rows = [{"text": text, "label": names} for text, names in zip(texts, WANTED, strict=True)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(f"{t},{';'.join(names)}" for t, names in zip(texts, WANTED, strict=True)))
    (tmp_path / "a.tsv").write_text("text\tlabel\n" + "\n".join(f"{t}\t{', '.join(names)}" for t, names in zip(texts, WANTED, strict=True)))
    assert {file.name: read(file) for file in sorted(tmp_path.iterdir())} == dict.fromkeys(
        ["a.arrow", "a.csv", "a.json", "a.jsonl", "a.parquet", "a.tsv"], WANTED)


def test_numbers_of_classes_come_out_as_names(tmp_path: Path) -> None:
    feature = {"feature": {"names": ["a", "b", "c d"], "_type": "ClassLabel"}, "_type": "List"}
    kept = json.dumps({"info": {"features": {"label": feature}}})
    table = pa.table({"text": list("wxyz"), "label": pa.array([[0, 1], [], [1], [0, 2]], pa.list_(pa.int64()))})
    parquet.write_table(table.replace_schema_metadata({"huggingface": kept}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == WANTED
    parquet.write_table(table, tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet") == [["0", "1"], [], ["1"], ["0", "2"]]


def test_lists_of_json_rows_may_all_be_texts(tmp_path: Path) -> None:
    rows = [{"text": "x", "label": "a|b"}, {"text": "y", "label": ""}, {"text": "z", "label": "b"}, {"text": "u", "label": None}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read(tmp_path / "a.jsonl") == [["a", "b"], [], ["b"], None]


def test_a_text_where_json_should_have_a_list_is_refused_with_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "label": ["a"]}\n{"text": "y", "label": "a;b"}\n{"text": "z", "label": {"a": 1}}\n')
    with pytest.raises(DataError, match=r"a.jsonl:2: column 'label' holds a single value, an array of texts expected. 2 rows like it "
                                        r"\(2, 3\). Write every list as an array"):
        read(tmp_path / "a.jsonl")


@pytest.mark.parametrize("item", ["null", "true", "[]", '"\\ud800"'])
def test_an_array_with_something_else_than_texts_is_refused(tmp_path: Path, item: str) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"text": "x", "label": ["a", {item}]}}\n')
    with pytest.raises(DataError, match=r"a.jsonl:1: column 'label' holds an array with something else"):
        read(tmp_path / "a.jsonl")


def test_a_parquet_column_of_structs_is_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": ["x"], "label": [{"a": 1}]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"column 'label' holds struct<a: int64>, lists of text are expected"):
        read(tmp_path / "a.parquet")


def test_a_column_for_each_label_says_yes_from_a_half_on(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,mean,loud,other\nw,1,0,9\nx,0.5,0.49,9\ny,true,FALSE,9\nz,0,1.0,9\n")
    assert read(tmp_path / "a.csv", label="mean,loud") == [["mean"], ["mean"], ["mean"], ["loud"]]
    parquet.write_table(pa.table({"text": ["x", "y"], "mean": [True, False], "loud": [0.7, 0.2]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", label="mean, loud") == [["mean", "loud"], []]


@pytest.mark.parametrize("cell", ["", "-1", "2", "yes", "nan"])
def test_a_cell_that_says_neither_yes_nor_no_is_refused_with_its_row(tmp_path: Path, cell: str) -> None:
    (tmp_path / "a.csv").write_text(f"text,mean,loud\nw,1,0\nx,{cell},1\n")
    with pytest.raises(DataError, match=r"column 'mean': 1 of 2 cells do not say whether the row has this label: a.csv:3"):
        read(tmp_path / "a.csv", label="mean,loud")


def test_a_missing_column_is_named_by_the_key_that_was_typed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,mean,loud\nw,1,0\n")
    with pytest.raises(SpecError, match=r"data.columns.label: a.csv has no column 'lout'. Columns: text, mean, loud. Did you mean 'loud'\?"):
        read(tmp_path / "a.csv", label="mean,lout")
