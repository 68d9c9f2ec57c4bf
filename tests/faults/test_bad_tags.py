"""Bad rows of tags: every message names file and row, and what may be mended is told and goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from finetune.clean import engine
from finetune.data.read import read_tables
from finetune.data.table_file import TableFile, Wanted
from finetune.errors import DataError

ROLES = {"tokens": "tokens", "label": "tags"}
KEY = "data.files.train"


def read(file: Path, content: str) -> tuple[pa.Table, list[str]]:
    file.write_text(content, encoding="utf-8")
    return read_tables([TableFile.at(file, KEY)], Wanted(ROLES))


def lines(*rows: dict[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_table_of_text_is_sent_to_formats_with_lists(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"{KEY}: a.csv: the words are text, .* JSON lines, Parquet, or a CoNLL file"):
        read(tmp_path / "a.csv", "tokens,label\nAnna ran,B-PER O\n")


@pytest.mark.parametrize(("row", "said"), [
    ({"tokens": ["Anna", "ran"], "label": ["O"]}, r"do not have one tag for each word: a.jsonl:2 \(1 tags, 2 words\)"),
    ({"tokens": ["Anna"], "label": ["PER"]}, r"none of IOB1, IOB2 and BIOES: 'PER' \(a.jsonl:2\)"),
    ({"tokens": ["Anna"], "label": [3]}, r"none of IOB1, IOB2 and BIOES: '3' \(a.jsonl:2\)"),
    ({"tokens": "Anna ran", "label": ["O"]}, "a.jsonl:2: column 'tokens' holds a single value, an array of texts expected"),
    ({"tokens": ["Anna"], "label": [["O"]]}, "a.jsonl:2: column 'label' holds an array with something else"),
])
def test_bad_lists_are_named_with_their_row(tmp_path: Path, row: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.jsonl", lines({"tokens": ["Oslo"], "label": ["B-LOC"]}, row))


def test_a_broken_order_is_mended_and_told(tmp_path: Path) -> None:
    table, notes = read(tmp_path / "a.conll", "Oslo\tB-LOC\n\nAnna\tI-PER\nran\tO\n\nLund\tB-PER\n")
    assert table["label"].to_pylist() == [["B-LOC"], ["B-PER", "O"], ["B-PER"]]
    assert notes == ["a.conll: tags that break the order of IOB2 were mended, 1 in 1 of the rows; one that follows none of its type "
                     "begins an entity: a.conll:3"]


def table(*rows: tuple[list[str], list[str] | None]) -> pa.Table:
    kind = pa.list_(pa.string())
    return pa.table({"row": [f"a.conll:{n}" for n in range(1, 1 + len(rows))],
                     "hash": [" ".join(words) for words, _ in rows],
                     "tokens": pa.array([words for words, _ in rows], kind),
                     "label": pa.array([tags for _, tags in rows], kind)})


def cleaned(train: pa.Table, test: pa.Table | None = None, **policies: str) -> engine.Cleaned:
    held = table((["x"], ["O"])) if test is None else test
    return engine.clean({"train": train, "validation": table((["y"], ["O"])), "test": held}, ROLES, policies)


def test_rows_without_anything_to_see_are_dropped() -> None:
    found = cleaned(table((["Anna", "ran"], ["B-PER", "O"]), (["\u200b"], ["O"]), ([], [])))
    assert found.splits["train"]["tokens"].to_pylist() == [["Anna", "ran"]]
    assert [(line.row, line.rule) for line in found.ledger] == [("a.conll:2", "blanks"), ("a.conll:3", "blanks")]


def test_rows_without_tags_stop_the_run() -> None:
    with pytest.raises(DataError, match="a.conll:2: column 'label' is empty"):
        cleaned(table((["Anna"], ["B-PER"]), (["ran"], None)))


def test_copies_contradictions_and_leaks_are_known_by_their_words() -> None:
    twice, said = (["Anna", "ran"], ["B-PER", "O"]), ["Oslo", "is", "far"]
    found = cleaned(table(twice, twice, (said, ["B-LOC", "O", "O"]), (said, ["O", "O", "O"]), (["He", "left"], ["O", "O"]),
                          (["Lund"], ["B-LOC"])), table((["he", "left"], ["O", "O"])))
    assert {(line.row, line.rule) for line in found.ledger if line.action == "dropped"} == {
        ("a.conll:2", "duplicates"), ("a.conll:3", "contradictions"), ("a.conll:4", "contradictions"), ("a.conll:5", "leakage")}
    assert found.splits["train"]["tokens"].to_pylist() == [["Anna", "ran"], ["Lund"]]
