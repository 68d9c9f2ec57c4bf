"""Rows that lie in a file are the same rows."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from finetune import mapped
from finetune.clean import engine
from finetune.clean.restore import restore
from finetune.data import sources
from finetune.errors import DataError
from finetune.spec import Data, Files, Hub

ROLES = {"text": "text", "label": "label"}
KINDS = [pa.string(), pa.large_string(), pa.binary(), pa.float64(), pa.bool_(), pa.list_(pa.string())]
CELLS = [["a", None, "", "\u00e9\u4e2d", "last"], ["b", "c", None, None, "d"], [b"\x00", None, b"", b"x", b"yz"],
         [1.5, None, 0.0, -1.0, 2.0], [True, None, False, True, True], [["a", "b"], None, [], [None], ["c"]]]


@pytest.fixture()
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "LEAST", 1)
    monkeypatch.setattr(mapped, "PIECE", 50)


def table() -> pa.Table:
    return pa.table([pa.array(cells, kind) for cells, kind in zip(CELLS, KINDS, strict=True)],
                    names=[str(kind) for kind in KINDS])


@pytest.mark.usefixtures("everything_is_large")
def test_cells_of_every_kind_come_back_from_the_file(tmp_path: Path) -> None:
    pieces = [table().slice(2, 2), table().slice(0, 0), table(), table().slice(4)]
    found = mapped.gathered(pieces, tmp_path)
    assert found.equals(pa.concat_tables(pieces))
    assert {column.num_chunks for column in found.columns} == {1}
    found.validate(full=True)


@pytest.mark.usefixtures("everything_is_large")
def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    found = mapped.gathered([table()], tmp_path)
    assert list(tmp_path.iterdir()) == []
    mapped.let_go()
    assert found.equals(table())


@pytest.mark.usefixtures("everything_is_large")
def test_text_beyond_what_an_array_can_have_begins_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "_MOST", 3)
    found = mapped.gathered([table().select(["string"])] * 2, tmp_path)
    assert found["string"].to_pylist() == CELLS[0] * 2
    assert found["string"].num_chunks > 1


def test_small_tables_stay_in_memory(tmp_path: Path) -> None:
    missing = tmp_path / "no such folder"
    assert mapped.gathered([table(), table()], missing).num_rows == 10


@pytest.mark.usefixtures("everything_is_large")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="do not fit into memory.*output_dir"):
        mapped.gathered([table()], tmp_path / "no such folder")


@pytest.mark.usefixtures("everything_is_large")
def test_rows_are_filtered_piece_by_piece(tmp_path: Path) -> None:
    stays = np.array([True, False, True, True, False])
    assert [start for start, _ in mapped.slices(table(), tmp_path)] != [0]
    assert mapped.filtered(table(), stays, tmp_path).equals(table().filter(pa.array(stays)))


def documents(num_rows: int) -> list[str]:
    chance = random.Random(3)
    words = ["".join(chance.choices("etaoinshr", k=6)) for _ in range(500)]
    texts = [" ".join(chance.choices(words, k=20)) for _ in range(num_rows)]
    for place in range(0, num_rows, 7):
        texts[place] = chance.choice([texts[place - 1], f"{texts[place - 1]} again", f"  {texts[place]} &amp; more"])
    return texts


def cleaned(folder: Path, aside: Path | None) -> Any:
    data = Data(hub=Hub(name="me/reviews"), sample="reviews", files=Files(train=str(folder / "a.csv")))
    splits = sources.read(data, "files", ROLES, aside=aside).splits
    assert splits["train"]["hash"][0].as_py() == hashlib.sha256(splits["train"]["text"][0].as_py().encode()).hexdigest()
    return splits, engine.clean({**splits, "test": splits["train"].slice(0, 20)}, ROLES, {}, aside=aside)


def test_mapped_rows_are_cleaned_as_rows_in_memory_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f'"{text}",{"good" if place % 3 else "bad"}' for place, text in enumerate(documents(300))]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *lines]))
    _, usual = cleaned(tmp_path, None)
    monkeypatch.setattr(mapped, "LEAST", 1)
    monkeypatch.setattr(mapped, "PIECE", 1000)
    splits, found = cleaned(tmp_path, tmp_path)
    assert (found.ledger, found.quality) == (usual.ledger, usual.quality)
    assert all(found.splits[split].equals(usual.splits[split]) for split in ("train", "test"))
    assert restore(found.splits["train"], found.ledger).equals(splits["train"])
