"""Encoded examples: each row once, within a budget, augmented the same way for the same place in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from finetune.contracts import Draw, Head
from finetune.data import examples
from finetune.data.examples import Examples

KIB_256 = np.zeros(65_536, np.float32)  # 256 KiB, so that four of them fill a MiB


class Counting:
    """A task that notes which rows it has encoded; a text `7` has seven tokens."""

    roles: Mapping[str, str]
    target = "label"
    head: Head

    def __init__(self, kind: str) -> None:
        self.roles = {"content": kind, "label": "label"}
        self.encoded: list[str] = []

    def encode(self, rows: Sequence[Mapping[str, Any]], processor: Any) -> list[dict[str, Any]]:
        self.encoded += [row["content"] for row in rows]
        if "text" in self.roles.values():
            return [{"input_ids": [processor] * int(row["content"]), "target": 0} for row in rows]
        return [{"pixel_values": KIB_256 + int(row["content"])} for row in rows]

    def augment(self, examples: Examples, draw: Draw) -> dict[str, Any]:
        return {**examples[draw.row], "noise": draw.stream("noise").random()}

    def length(self, example: Mapping[str, Any]) -> int:
        return len(example["input_ids"])


def made(kind: str, contents: Sequence[str]) -> tuple[Examples, Counting]:
    task = Counting(kind)
    rows = [f"a.csv:{number}" for number in range(len(contents))]
    return Examples(pa.table({"row": rows, "content": list(contents), "label": ["x"] * len(rows)}), task, 4), task


def test_row_is_encoded_when_asked_for_and_only_once() -> None:
    found, task = made("text", ["3", "1", "2"])
    assert task.encoded == []
    assert found[1] == {"input_ids": [4], "target": 0}
    assert found[1] is found[1]
    assert found[2]["input_ids"] == [4, 4]
    assert task.encoded == ["1", "2"]


def test_lengths_of_texts_are_what_the_task_says() -> None:
    found, task = made("text", [str(1 + i % 5) for i in range(2500)])
    lengths = found.lengths()
    assert lengths.dtype.kind == "i"
    assert lengths.tolist() == [1 + i % 5 for i in range(2500)]
    assert len(task.encoded) == 2500
    assert [len(found[i]["input_ids"]) for i in range(2500)] == lengths.tolist()
    assert len(task.encoded) == 2500


def test_targets_are_the_places_of_the_labels_and_encode_nothing() -> None:
    table = pa.table({"row": ["a:1", "a:2", "a:3"], "image": ["1", "2", "3"], "label": ["y", "x", "y"]})
    task = Counting("image")
    task.head = Head("", ("x", "y"), "single_label_classification")
    assert Examples(table, task, 4).targets().tolist() == [1, 0, 1]
    assert task.encoded == []


def test_lengths_of_pictures_encode_nothing() -> None:
    found, task = made("image", ["1", "2", "3"])
    assert found.lengths().tolist() == [1, 1, 1]
    assert task.encoded == []


def test_lengths_encode_every_row_once_even_without_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "BUDGET_MIB", 0)
    found, task = made("text", ["2", "3"])
    assert found.lengths().tolist() == [2, 3]
    assert task.encoded == ["2", "3"]


def test_rows_beyond_the_budget_are_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "BUDGET_MIB", 1)
    found, task = made("image", [str(i) for i in range(6)])
    for _ in range(3):
        for i in range(6):
            assert found[i]["pixel_values"][0] == i
    assert [task.encoded.count(str(i)) for i in range(6)] == [1, 1, 1, 1, 3, 3]


def test_small_row_still_fits_where_a_large_one_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "BUDGET_MIB", 1)
    found, task = made("text", [str(2**17), "3", str(2**17)])  # 8 bytes a token: one of the long rows fills it
    for _ in range(2):
        for i in (1, 0, 2):
            assert len(found[i]["input_ids"]) == (2**17, 3, 2**17)[i]
    assert task.encoded.count("3") == 1
    assert task.encoded.count(str(2**17)) == 4


def test_augmentation_depends_on_seed_epoch_and_position_alone() -> None:
    found, _ = made("text", ["1", "1", "1"])
    again, _ = made("text", ["1", "1", "1"])
    noise = {place: found.augmented(place[2], seed=place[0], epoch=place[1])["noise"]
             for place in [(1, 0, 0), (1, 0, 1), (1, 1, 0), (2, 0, 0), (0, 1, 0), (0, 0, 1)]}
    assert len(set(noise.values())) == 6
    for (seed, epoch, position), value in reversed(noise.items()):
        assert again.augmented(position, seed=seed, epoch=epoch)["noise"] == value


def test_augmentation_leaves_the_kept_example_alone() -> None:
    found, task = made("text", ["2"])
    found.augmented(0, seed=1, epoch=0)
    assert found[0] == {"input_ids": [4, 4], "target": 0}
    assert task.encoded == ["2"]


def test_raw_rows_are_at_hand() -> None:
    found, _ = made("text", ["5", "6"])
    assert len(found) == 2
    assert found.row(1) == {"row": "a.csv:1", "content": "6", "label": "x"}
    assert found.rows() == [found.row(0), found.row(1)]


def test_position_behind_the_last_row_is_refused() -> None:
    found, _ = made("text", ["5"])
    with pytest.raises(IndexError):
        found[1]
