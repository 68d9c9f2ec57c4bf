"""Held-out splits of rows that have several labels each."""

from __future__ import annotations

import random
from collections import Counter

import pyarrow as pa
import pytest

from finetune.data.split import hold_out, take

SHARES = {"validation": 0.1, "test": 0.1}


def rows(labels: list[list[str] | None]) -> pa.Table:
    return pa.table({"row": [f"a.csv:{number}" for number in range(2, len(labels) + 2)],
                     "label": pa.array(labels, pa.list_(pa.string()))})


def long_tail(seed: int, num_rows: int = 3_000) -> list[list[str]]:
    """Up to four of thirty labels a row, the last of which are rare; some go together."""
    order = random.Random(seed)
    weights = [1 / (rank + 1) ** 1.3 for rank in range(30)]
    drawn = [order.choices(range(30), weights, k=order.randrange(5)) for _ in range(num_rows)]
    return [sorted({f"label {name}" for name in (*names, *(name + 1 for name in names if name in (3, 20)))}) for names in drawn]


def off(table: pa.Table, split: pa.Table) -> dict[str, float]:
    """By label of at least ten rows, how far its share of a split is off a tenth."""
    totals, found = (Counter(name for names in part["label"].to_pylist() for name in names) for part in (table, split))
    return {name: abs(found[name] / total - 0.1) for name, total in totals.items() if total >= 10}


@pytest.mark.parametrize("seed", range(5))
def test_rare_labels_are_divided_far_better_than_by_chance(seed):
    table = rows(long_tail(seed))
    splits = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=seed)
    drawn = table.take(random.Random(seed).sample(range(table.num_rows), table.num_rows // 10))
    for split in SHARES:
        ours, chance = off(table, splits[split]), off(table, drawn)
        rare = sorted(ours, key=lambda name: sum(name in names for names in table["label"].to_pylist()))[:15]
        assert sum(ours[name] for name in rare) < 0.6 * sum(chance[name] for name in rare)
        assert max(ours.values()) < 0.06
        assert abs(splits[split].num_rows - 300) <= 45


def test_every_label_of_three_rows_is_in_every_split():
    table = rows([["a", "b"]] * 3 + [["a"]] * 60 + [["c", "a"]] * 3)
    splits = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=1)
    for split in splits.values():
        assert {name for names in split["label"].to_pylist() for name in names} == {"a", "b", "c"}


def test_label_with_too_few_rows_is_learnt_not_measured():
    table = rows([["a"]] * 40 + [["a", "rare"]] * 2)
    splits = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=1)
    assert sum(names == ["a", "rare"] for names in splits["train"]["label"].to_pylist()) == 2


def test_rows_without_any_of_the_labels_are_divided_too_and_unlabelled_ones_train():
    table = rows([[]] * 100 + [["a"]] * 100 + [None] * 50)
    splits = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=1)
    for split in SHARES:
        found = splits[split]["label"].to_pylist()
        assert 9 <= found.count([]) <= 11
        assert None not in found


def test_subset_of_rows_with_several_labels_is_drawn_by_hash():
    table = rows(long_tail(0))
    assert take(table, 500, 13).num_rows == 500
    assert take(table, 500, 13) == take(table, 500, 13)
