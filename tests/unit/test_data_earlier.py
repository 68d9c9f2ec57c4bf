"""An earlier run's split, kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from finetune.data import earlier
from finetune.data.split import hold_out
from finetune.errors import DataError
from finetune.write import write_lines

ALL = ("train", "validation", "test")


def rows(texts: list[str], groups: list[str | None] | None = None) -> pa.Table:
    table = {"row": [f"a.csv:{number}" for number in range(2, len(texts) + 2)], "label": ["a", "b"] * (len(texts) // 2),
             "hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts]}
    return pa.table(table | ({"group": pa.array(groups, pa.string())} if groups else {}))


def written(file: Path, splits: dict[str, pa.Table]) -> Path:
    write_lines(file, [earlier.line(row["row"], row["hash"], split, group=row.get("group"))
                       for split, table in splits.items() for row in table.to_pylist()])
    return file


def test_known_rows_keep_their_side_whatever_the_seed_and_the_rows_beside_them(tmp_path):
    old, new = [f"old {number}" for number in range(400)], [f"new {number}" for number in range(100)]
    table = rows(old)
    before = hold_out(table, shares={"validation": 0.1, "test": 0.1}, keys=old, seed=1)
    side = {content: split for split, part in before.items() for content in part["hash"].to_pylist()}
    both = rows([text for pair in zip(new, old[::-1][:100], strict=True) for text in pair] + old[:300])
    texts = both["hash"].to_pylist()
    keys, known, num_known = earlier.keep(both, texts, earlier.read(written(tmp_path / "split.jsonl", before)), among=ALL)
    after = hold_out(both, shares={"validation": 0.1, "test": 0.1}, keys=keys, seed=99, known=known)
    now = {content: split for split, part in after.items() for content in part["hash"].to_pylist()}
    assert num_known == 400
    assert {content: now[content] for content in side} == side
    assert sum(content not in side for content in after["test"]["hash"].to_pylist()) > 2


def test_new_row_joins_the_side_of_its_key():
    table = rows(["a", "b", "c", "d"])
    hashes = table["hash"].to_pylist()
    sides = earlier.Sides({hashes[0]: "test", hashes[1]: "train"}, {})
    keys, known, _ = earlier.keep(table, ["x", "y", "x", "z"], sides, among=ALL)
    assert [known.get(key) for key in keys] == ["test", "train", "test", None]


def test_key_known_on_two_sides_is_divided():
    table = rows(["a", "b", "c", "d"])
    hashes = table["hash"].to_pylist()
    sides = earlier.Sides({hashes[1]: "test", hashes[2]: "train"}, {})
    keys, known, _ = earlier.keep(table, ["x", "x", "x", "x"], sides, among=ALL)
    assert [known[key] for key in keys] == ["test", "test", "train", "test"]


def test_group_is_known_though_none_of_its_rows_is_there_any_more(tmp_path):
    parts = {"train": rows(["a", "b"], ["ann", None]), "test": rows(["c", "d"], ["bob", "bob"])}
    sides = earlier.read(written(tmp_path / "split.jsonl", parts))
    table = rows(["a", "new"], ["ann", "bob"])
    keys, known, num_known = earlier.keep(table, ["group ann", "group bob"], sides, among=ALL)
    assert ([known[key] for key in keys], num_known) == (["train", "test"], 1)


def test_names_of_groups_are_not_kept(tmp_path):
    assert "ann" not in written(tmp_path / "split.jsonl", {"train": rows(["a", "b"], ["ann", "ann"])}).read_text()


def test_content_on_several_sides_counts_for_the_one_held_out(tmp_path):
    copies = rows(["a", "a"])
    file = written(tmp_path / "split.jsonl", {"test": copies, "train": copies})
    assert set(earlier.read(file).rows.values()) == {"test"}


def test_side_that_is_not_dealt_now_is_forgotten():
    table = rows(["a", "b"])
    hashes = table["hash"].to_pylist()
    sides = earlier.Sides({hashes[0]: "test", hashes[1]: "train"}, {})
    keys, known, _ = earlier.keep(table, ["x", "y"], sides, among=("train", "validation"))
    assert known == {keys[1]: "train"}


def test_split_of_other_data_is_refused():
    with pytest.raises(DataError, match=r"^data\.split\.file: it knows none of these 2 rows\. It belongs to other data"):
        earlier.keep(rows(["a", "b"]), ["x", "y"], earlier.Sides({"c": "test"}, {}), among=ALL)


@pytest.mark.parametrize("text", ["{", "[]", '{"row": "a.csv:2", "split": "train"}', '{"hash": "a", "split": "dev"}'])
def test_line_that_is_none_is_named(text, tmp_path):
    file = tmp_path / "split.jsonl"
    file.write_text('{"row": "a.csv:2", "split": "train", "hash": "a"}\n' + text + "\n")
    with pytest.raises(DataError, match=r"^data\.split\.file: .*split\.jsonl:2 is not a line with the split"):
        earlier.read(file)
