"""Bad tables, labels and splits: every message names the file, row or key and says what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from finetune.data.delimited import MAX_CELL
from finetune.data.labels import resolve_labels
from finetune.data.split import hold_out, take
from finetune.errors import DataError, FinetuneError, SpecError
from tests.reading import read_table

TEXT = {"text": "text", "label": "label"}
KEY = "data.files.train"


def refusal(file: Path, content: str | bytes | None = None, kind: type[FinetuneError] = DataError, **columns: str) -> str:
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(kind) as caught:
        read_table(file, columns=columns, roles=TEXT, key=KEY)
    return str(caught.value)


def rows(*labels: str | None) -> pa.Table:
    table = {"row": [f"a.csv:{number}" for number in range(2, len(labels) + 2)], "label": list(labels)}
    return pa.table(table, schema=pa.schema({"row": pa.string(), "label": pa.string()}))


def test_unknown_suffix_lists_the_allowed_ones(tmp_path):
    message = refusal(tmp_path / "a.xlsx", "text,label\n")
    assert message == (f"{KEY}: a.xlsx ends in '.xlsx', allowed are .csv, .tsv, .json, .jsonl, .ndjson, .parquet, .arrow,"
                       " .feather, each also as .gz or in a .zip. Save the table in one of these formats.")
    assert "has no suffix" in refusal(tmp_path / "rows", "text,label\n")


def test_missing_file_is_named_in_full_with_near_matches(tmp_path):
    (tmp_path / "reviews.csv").touch()
    message = refusal(tmp_path / "review.csv")
    assert f"{KEY}: {tmp_path}/review.csv does not exist. Did you mean 'reviews.csv'?" in message


def test_pipe_in_place_of_a_table_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    assert "is not a regular file" in refusal(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl"])
@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_empty_file_is_refused(tmp_path, name, content):
    assert f"{KEY}: {name} is empty, at least one row is needed. Add rows" in refusal(tmp_path / name, content)


def test_header_without_rows_is_refused(tmp_path):
    assert f"{KEY}: a.csv has a header but no rows" in refusal(tmp_path / "a.csv", "text,label\n\n")


@pytest.mark.parametrize("content", ["[]", '{"data": []}'])
def test_json_without_rows_is_refused(tmp_path, content):
    assert f"{KEY}: a.json has no rows" in refusal(tmp_path / "a.json", content)


def test_wrong_encoding_names_line_offset_and_way_out(tmp_path):
    content = "text,label\n\u041e\u0447\u0435\u043d\u044c \u0445\u043e\u0440\u043e\u0448\u0438\u0439 \u0444\u0438\u043b\u044c\u043c,bon\n"
    message = refusal(tmp_path / "a.csv", content.encode("cp1251"))
    assert f"{KEY}: a.csv:2: byte 0xce at offset 11 is not UTF-8; it looks like CP1251" in message
    assert "If that is right set data.encoding=cp1251, or convert it: " in message
    assert f"iconv -f CP1251 -t UTF-8 {tmp_path}/a.csv > {tmp_path}/a.utf8.csv" in message


def test_nul_byte_is_named_by_line(tmp_path):
    assert f"{KEY}: a.csv:3: NUL byte found" in refusal(tmp_path / "a.csv", "text,label\nfine,good\ndu\0ll,bad\n")


def test_too_few_and_too_many_cells_are_listed_by_line(tmp_path):
    lines = ["text,label", "fine,good", "dull", '"two', 'lines",bad', "a,b,c", "a,b,c", "dull", "dull", "dull"]
    message = refusal(tmp_path / "a.csv", "\n".join(lines))
    assert message == (f"{KEY}: a.csv:3: 1 cell found, 2 expected. 6 rows like it (3, 6, 7, 8, 9 and 1 more)."
                       " Quote cells that hold ',' or a line break, and add or remove the cells that differ.")
    assert "a.csv:2: 3 cells found, 2 expected. Quote" in refusal(tmp_path / "a.csv", "text,label\na,b,c\n")


def test_quote_that_never_closes_is_named_by_the_line_where_its_record_starts(tmp_path):
    message = refusal(tmp_path / "a.csv", 'text,label\nfine,good\n"dull,bad\nso so,bad\n')
    assert f"{KEY}: a.csv:3: a quote opens in this record and is never closed. Close every quoted cell" in message


def test_text_after_a_closing_quote_is_refused(tmp_path):
    message = refusal(tmp_path / "a.csv", 'text,label\n"say "hi" now",good\nfine,good\n"a"b,bad\n')
    assert "a.csv:2: text follows a closing quote in this record. 2 rows like it (2, 4)." in message
    assert 'twice ("")' in message


def test_problems_of_two_kinds_come_in_one_error(tmp_path):
    message = refusal(tmp_path / "a.csv", 'text,label\ndull\n"dull,bad\n')
    first, second = message.splitlines()
    assert first.startswith(f"{KEY}: a.csv:2: 1 cell found, 2 expected.")
    assert second.startswith(f"{KEY}: a.csv:3: a quote opens")


def test_quote_that_never_closes_in_the_header_is_refused(tmp_path):
    assert "a.csv:1: a quote opens" in refusal(tmp_path / "a.csv", '"text,label\nfine,good\n')


def test_over_long_cell_is_refused_and_a_long_one_is_read(tmp_path):
    message = refusal(tmp_path / "a.csv", f"text,label\nfine,good\n{'x' * (MAX_CELL + 1)},bad\n")
    assert f"{KEY}: a.csv:3: a cell is longer than the 16,777,216 characters allowed. Shorten" in message
    (tmp_path / "b.csv").write_text(f"text,label\n{'x' * MAX_CELL},bad\n")
    assert read_table(tmp_path / "b.csv", columns={}, roles=TEXT, key=KEY).num_rows == 1


def test_repeated_column_names_are_refused(tmp_path):
    message = refusal(tmp_path / "a.csv", "text,label,text,label\na,b,c,d\n")
    assert f"{KEY}: a.csv: the header has more than one column named 'label', 'text'" in message
    assert "Rename or remove the copies." in message


def test_all_missing_columns_come_in_one_error(tmp_path):
    message = refusal(tmp_path / "a.csv", "sentence,labels\nfine,good\n", SpecError)
    assert message.splitlines() == [
        "data.columns.text: a.csv has no column 'text'. Columns: sentence, labels. Add data.columns.text=NAME.",
        "data.columns.label: a.csv has no column 'label'. Columns: sentence, labels. Did you mean 'labels'?"
        " Add data.columns.label=NAME.",
    ]


def test_missing_column_of_json_rows_is_refused(tmp_path):
    message = refusal(tmp_path / "a.jsonl", '{"sentence": "fine", "label": "good"}\n', SpecError)
    assert "data.columns.text: a.jsonl has no column 'text'. Columns: sentence, label." in message


def test_broken_json_document_is_named_by_line_and_column(tmp_path):
    message = refusal(tmp_path / "a.json", '[\n  {"text": "fine", "label": "good"},\n  {"text": "dull" "label": 1}\n]')
    assert message.startswith(f"{KEY}: a.json:3:19: broken JSON (Expecting ',' delimiter). Correct the JSON there.")
    assert "a.json:4:3: broken JSON (Extra data)" in refusal(tmp_path / "a.json", '[\n{"text": "a"},\n{"text": "b"}\n] x')


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_broken_json_lines_are_listed_by_line_and_column(tmp_path, name):
    message = refusal(tmp_path / name, '{"text": "fine", "label": "good"}\n{"text": }\n\n{"text"\n')
    assert message.startswith(f"{KEY}: {name}:2:10: broken JSON (Expecting value). 2 rows like it (2:10, 4:8).")


def test_json_rows_that_are_no_objects_are_listed(tmp_path):
    content = json.dumps([{"text": "fine", "label": "good"}, ["dull", "bad"], 3, "so so"])
    message = refusal(tmp_path / "a.json", content)
    assert "a.json:2: an array found, an object expected. 3 rows like it (2, 3, 4). Write every row as an object" in message
    assert "a.jsonl:1: an array found" in refusal(tmp_path / "a.jsonl", '["dull", "bad"]\n["fine", "good"]\n')


def test_json_that_is_no_table_is_refused(tmp_path):
    assert "a.json:1: a single value found, an array of objects expected" in refusal(tmp_path / "a.json", "3")
    assert "a.json:1: an object found, an array of objects expected" in refusal(tmp_path / "a.json", '{"data": {}}')


def test_json_nested_without_end_is_refused(tmp_path):
    assert "a.json:1: JSON nested too deeply" in refusal(tmp_path / "a.json", "[" * 100_000)
    assert "a.jsonl:1:1: JSON nested too deeply" in refusal(tmp_path / "a.jsonl", '{"a":' * 100_000)


def test_json_cells_that_are_no_text_are_listed(tmp_path):
    message = refusal(tmp_path / "a.json", '[{"text": ["a"], "label": "x"}, {"text": "b"}, {"text": {"c": 1}}]')
    assert "a.json:1: column 'text' holds an array, text or a number expected. 2 rows like it (1, 3)." in message


def test_half_a_surrogate_pair_is_refused(tmp_path):
    message = refusal(tmp_path / "a.jsonl", '{"text": "a", "label": "x"}\n{"text": "\\ud83d", "label": "x"}\n')
    assert "a.jsonl:2: column 'text' holds half a surrogate pair" in message


def test_label_that_only_test_rows_have_names_them():
    with pytest.raises(DataError, match=r"^task\.labels: 2 rows \(a\.csv:2, a\.csv:4\) have the label 'badd' in test, which"
                                        r" no training row has\. Did you mean 'bad'\? Add such rows to training, or"):
        resolve_labels({"train": rows("good", "bad"), "test": rows("badd", "good", "badd")}, "auto")


def test_single_class_is_refused():
    with pytest.raises(DataError, match=r"^task\.labels: 'good' is the only label, at least 2 are needed\. Add rows"):
        resolve_labels({"train": rows("good", "good", None)}, "auto")


def test_label_too_rare_to_hold_out_says_how_many_rows_are_needed():
    table = rows("a", "a", "a", "b", "b", "b")
    with pytest.raises(DataError) as caught:
        hold_out(table, shares={"validation": 0.1, "test": 0.1}, keys=["1", "2", "3", "4", "5", "5"], seed=1)
    assert str(caught.value) == (
        "data.split: too few distinct rows of 1 of 2 labels to hold out validation and test: 'b' (rows: 3, distinct: 2)."
        " At least 3 distinct rows per label are needed, one for each split. Add rows, or give"
        " data.files.validation and data.files.test."
    )


def test_label_that_stands_alone_for_its_capitals_is_told_beside_the_other():
    with pytest.raises(DataError, match=r"'Good' \(rows: 1, distinct: 1, elsewhere 'good'\)\. At least"):
        hold_out(rows("good", "good", "good", "good", "Good"), shares={"validation": 0.1, "test": 0.1}, keys=list("12345"), seed=1)


def test_row_limit_below_the_number_of_labels_is_refused():
    with pytest.raises(DataError, match=r"^data\.max_rows: 2 rows cannot hold 3 labels\. Use at least 3, or all\."):
        take(rows("a", "b", "c", "c"), 2, 1)
