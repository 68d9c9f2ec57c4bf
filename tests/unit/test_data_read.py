"""Tables in, Arrow columns out: numbers, hashes and cells of every format; refusals are in tests/faults."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest
from PIL import Image

from finetune.data.read import read_tables
from finetune.data.table_file import TableFile, Wanted
from tests.reading import read_table

TEXT = {"text": "text", "label": "label"}


def read(file: Path, content: str | bytes, **columns: str) -> dict[str, list[str | None]]:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(file, columns=columns, roles=TEXT, key="data.files.train").to_pydict()


def test_csv_gives_row_hash_and_one_column_per_role(tmp_path):
    table = read(tmp_path / "reviews.csv", "id,text,label\n7,fine,good\n8,dull,bad\n")
    assert table == {
        "row": ["reviews.csv:2", "reviews.csv:3"],
        "hash": [hashlib.sha256(b"fine").hexdigest(), hashlib.sha256(b"dull").hexdigest()],
        "text": ["fine", "dull"],
        "label": ["good", "bad"],
    }


def test_all_columns_are_strings(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\n1,\n2,\n")
    table = read_table(tmp_path / "a.csv", columns={}, roles=TEXT, key="k")
    assert [str(field.type) for field in table.schema] == ["string"] * 4


def test_role_is_read_from_the_column_that_the_user_names(tmp_path):
    table = read(tmp_path / "a.csv", "sentence,label\nfine,good\n", text="sentence")
    assert table["text"] == ["fine"]


def test_row_is_the_line_on_which_a_record_starts(tmp_path):
    table = read(tmp_path / "a.csv", 'text,label\n"one\n\ntwo",a\n\nthree,b\n')
    assert table["row"] == ["a.csv:2", "a.csv:6"]
    assert table["text"] == ["one\n\ntwo", "three"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read_and_kept_inside_cells(tmp_path, end):
    table = read(tmp_path / "a.csv", end.join(["text,label", f'"one{end}two",a', "three,b", ""]))
    assert table["row"] == ["a.csv:2", "a.csv:4"]
    assert table["text"] == [f"one{end}two", "three"]
    assert table["label"] == ["a", "b"]


def test_unicode_line_separators_do_not_end_a_record(tmp_path):
    table = read(tmp_path / "a.csv", "text,label\none\u2028two\x85three\x0cfour,a\nfive,b\n")
    assert table["text"] == ["one\u2028two\x85three\x0cfour", "five"]
    assert table["row"] == ["a.csv:2", "a.csv:3"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_and_without_mark_give_the_same_table(tmp_path, encoding):
    table = read(tmp_path / "a.csv", "text,label\ncaf\u00e9 \U0001f600,\u597d\n".encode(encoding))
    assert table["text"] == ["caf\u00e9 \U0001f600"]
    assert table["label"] == ["\u597d"]
    assert table["hash"] == [hashlib.sha256("caf\u00e9 \U0001f600".encode()).hexdigest()]


def test_text_cells_keep_their_white_space(tmp_path):
    assert read(tmp_path / "a.csv", "text,label\n  two  blanks\t,a\n")["text"] == ["  two  blanks\t"]


def test_labels_are_stripped_and_blank_ones_are_null(tmp_path):
    table = read(tmp_path / "a.csv", "text,label\na, good \nb,\nc,  \t\nd,\u00a0\u3000\n")
    assert table["label"] == ["good", None, None, None]


def test_empty_text_stays_an_empty_cell(tmp_path):
    table = read(tmp_path / "a.csv", 'text,label\n,a\n"",b\n')
    assert table["text"] == ["", ""]
    assert table["hash"] == [hashlib.sha256(b"").hexdigest()] * 2


def test_tsv_is_separated_by_tabs(tmp_path):
    table = read(tmp_path / "a.tsv", 'text\tlabel\none, two\ta\n"with\ttab"\tb\n')
    assert table["text"] == ["one, two", "with\ttab"]


@pytest.mark.parametrize(("name", "content", "said"), [
    ("a.csv", 'text;label\n"fine, then";good\n', "a.csv is separated by ';'"),
    ("a.csv", "text\tlabel\nfine, then\tgood\n", "a.csv is separated by tabs"),
    ("a.tsv", 'text,label\n"fine, then",good\n', "a.tsv is separated by ','"),
])
def test_another_delimiter_is_seen_in_the_header_and_said(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    table, notes = read_tables([TableFile.at(tmp_path / name, "data.files.train")], Wanted(TEXT))
    assert table["text"].to_pylist() == ["fine, then"] and table["label"].to_pylist() == ["good"]
    assert notes == [said]


def test_suffix_may_be_in_capitals(tmp_path):
    assert read(tmp_path / "A.CSV", "text,label\nfine,good\n")["row"] == ["A.CSV:2"]


def test_columns_without_a_name_are_passed_over(tmp_path):
    assert read(tmp_path / "a.csv", ",text,label,\n0,fine,good,\n")["text"] == ["fine"]


def test_doubled_quotes_are_one_quote(tmp_path):
    assert read(tmp_path / "a.csv", 'text,label\n"say ""hi""",a\n')["text"] == ['say "hi"']


def test_json_array_is_numbered_by_position(tmp_path):
    rows = [{"text": "fine", "label": "good"}, {"label": "bad", "text": "dull"}]
    table = read(tmp_path / "a.json", json.dumps(rows, indent=2))
    assert table["row"] == ["a.json:1", "a.json:2"]
    assert table["text"] == ["fine", "dull"]
    assert table["label"] == ["good", "bad"]


def test_json_rows_may_stand_under_data(tmp_path):
    table = read(tmp_path / "a.json", json.dumps({"version": 2, "data": [{"text": "fine", "label": "good"}]}))
    assert table["row"] == ["a.json:1"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_json_lines_are_numbered_by_line(tmp_path, name):
    table = read(tmp_path / name, '{"text": "fine", "label": "good"}\n\n{"text": "a\u2028b", "label": "bad"}\n')
    assert table["row"] == [f"{name}:1", f"{name}:3"]
    assert table["text"] == ["fine", "a\u2028b"]


def test_array_in_a_file_called_jsonl_is_read(tmp_path):
    assert read(tmp_path / "a.jsonl", '[\n{"text": "fine", "label": "good"}\n]')["row"] == ["a.jsonl:1"]


def test_single_json_line_is_one_row(tmp_path):
    for name in ("a.json", "a.jsonl"):
        assert read(tmp_path / name, '{"text": "fine", "label": "good"}\n')["text"] == ["fine"]


def test_json_labels_keep_their_json_spelling(tmp_path):
    values = '1', '1.5', '1.50', '-0', '12345678901234567890123', 'true', 'false', '" x "', 'null', '" "', 'NaN'
    table = read(tmp_path / "a.jsonl", "".join(f'{{"text": "t", "label": {value}}}\n' for value in values))
    assert table["label"] == ["1", "1.5", "1.50", "-0", "12345678901234567890123", "true", "false", "x", None, None, None]


def test_absent_json_keys_are_null_labels_and_empty_texts(tmp_path):
    table = read(tmp_path / "a.json", '[{"text": "fine"}, {"label": "good"}, {"text": null, "label": "bad"}]')
    assert table["text"] == ["fine", "", ""]
    assert table["label"] == [None, "good", "bad"]


def test_escaped_emoji_in_json_is_one_character(tmp_path):
    assert read(tmp_path / "a.json", '[{"text": "\\ud83d\\ude00", "label": "a"}]')["text"] == ["\U0001f600"]


def test_pictures_of_a_table_are_found_beside_it(tmp_path):
    (tmp_path / "cats").mkdir()
    Image.new("RGB", (4, 4), "red").save(tmp_path / "cats" / "1.png")
    (tmp_path / "a.csv").write_text("file,label\ncats/1.png,cat\n")
    roles = {"image": "image", "label": "label"}
    table = read_table(tmp_path / "a.csv", columns={"image": "file"}, roles=roles, key="k").to_pydict()
    content = (tmp_path / "cats" / "1.png").read_bytes()
    assert table["image"] == [str(tmp_path / "cats" / "1.png")]
    assert table["hash"] == [hashlib.sha256(content).hexdigest()]


def test_a_hundred_thousand_rows_are_read_in_seconds(tmp_path):
    lines = "".join(f"a short review number {number},{number % 3}\n" for number in range(100_000))
    (tmp_path / "a.csv").write_text("text,label\n" + lines)
    start = time.perf_counter()
    table = read_table(tmp_path / "a.csv", columns={}, roles=TEXT, key="k")
    assert table.num_rows == 100_000
    assert time.perf_counter() - start < 5
