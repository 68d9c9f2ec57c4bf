"""Held-out splits and subsets: shares met, groups whole, the same on every run."""

from __future__ import annotations

import random
from collections import Counter

import pyarrow as pa
import pytest

from finetune.data.split import hold_out, take
from finetune.errors import DataError

SHARES = {"validation": 0.1, "test": 0.1}


def rows(labels: list[str | None]) -> pa.Table:
    table = {"row": [f"a.csv:{number}" for number in range(2, len(labels) + 2)], "label": labels}
    return pa.table(table, schema=pa.schema({"row": pa.string(), "label": pa.string()}))


def counts(splits: dict[str, pa.Table]) -> dict[str, Counter[str | None]]:
    return {name: Counter(table["label"].to_pylist()) for name, table in splits.items()}


def names_of(splits: dict[str, pa.Table]) -> dict[str, str]:
    """Row to split."""
    return {row: name for name, table in splits.items() for row in table["row"].to_pylist()}


@pytest.mark.parametrize("seed", range(20))
def test_each_label_is_divided_in_the_shares_but_for_a_tenth(seed):
    table = rows(["a"] * 1_000 + ["b"] * 30 + ["c"] * 200)
    found = counts(hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=seed))
    for split in SHARES:
        assert 90 <= found[split]["a"] <= 110
        assert 2 <= found[split]["b"] <= 4
        assert 18 <= found[split]["c"] <= 22


def test_every_row_is_in_one_split_and_the_order_of_the_file_is_kept():
    table = rows(random.Random(0).choices("abc", k=200))
    splits = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=13)
    assert sorted(names_of(splits)) == sorted(table["row"].to_pylist())
    assert sum(split.num_rows for split in splits.values()) == 200
    place = {row: number for number, row in enumerate(table["row"].to_pylist())}
    for split in splits.values():
        positions = [place[row] for row in split["row"].to_pylist()]
        assert positions == sorted(positions)


def test_splits_are_in_order_and_empty_shares_keep_all_rows():
    table = rows(["a", "b"] * 10)
    keys = table["row"].to_pylist()
    assert list(hold_out(table, shares=SHARES, keys=keys, seed=1)) == ["train", "validation", "test"]
    assert hold_out(table, shares={}, keys=keys, seed=1) == {"train": table}


def test_rounding_does_not_add_up_over_labels():
    table = rows([f"label {number % 100}" for number in range(1_400)])  # 1.4 rows of each label are due
    found = counts(hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=13))
    assert 125 <= found["validation"].total() <= 155
    assert 125 <= found["test"].total() <= 155
    assert set(found["test"].values()) == {1, 2}


def test_small_label_has_a_row_in_every_split():
    table = rows(["a"] * 100 + ["b"] * 3)
    found = counts(hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=13))
    assert [found[split]["b"] for split in found] == [1, 1, 1]


def test_rows_of_equal_key_are_never_parted():
    order = random.Random(0)
    keys = [f"key {order.randrange(150)}" for _ in range(600)]
    label_of = {key: order.choice("ab") for key in sorted(set(keys))}
    table = rows([label_of[key] for key in keys])
    splits = hold_out(table, shares=SHARES, keys=keys, seed=13)
    split_of = names_of(splits)
    found = {(key, split_of[row]) for key, row in zip(keys, table["row"].to_pylist(), strict=True)}
    assert len(found) == len(set(keys))
    totals = Counter(label_of[key] for key in keys)
    for split in SHARES:
        for label, num_rows in counts(splits)[split].items():
            assert abs(num_rows - totals[label] / 10) <= 4


def test_one_large_group_does_not_spoil_the_shares():
    keys = ["same"] * 10 + [str(number) for number in range(20)]
    splits = hold_out(rows(["a"] * 30), shares=SHARES, keys=keys, seed=13)
    assert [table.num_rows in (2, 3, 4) for table in splits.values()] == [False, True, True]
    assert names_of(splits)["a.csv:2"] == "train"


def test_groups_that_all_exceed_the_quota_are_still_dealt():
    keys = [str(number // 10) for number in range(30)]
    splits = hold_out(rows(["a"] * 30), shares=SHARES, keys=keys, seed=13)
    assert [table.num_rows for table in splits.values()] == [10, 10, 10]


def test_quota_may_be_exceeded_where_that_is_closer():
    keys = [str(number // 3) for number in range(60)]
    splits = hold_out(rows(["a"] * 60), shares={"test": 5 / 60}, keys=keys, seed=13)
    assert splits["test"].num_rows == 6


def test_large_shares_leave_a_row_for_train():
    splits = hold_out(rows(["a"] * 4), shares={"validation": 0.5, "test": 0.5}, keys=list("1234"), seed=1)
    assert [table.num_rows for table in splits.values()] == [1, 2, 1]


@pytest.mark.parametrize("seed", range(10))
def test_groups_of_several_labels_stay_whole_and_keep_the_shares_of_each_label(seed):
    order = random.Random(seed)
    keys = [f"patient {order.randrange(200)}" for _ in range(4_000)]
    table = rows(order.choices(["healthy", "sick", "rare"], weights=[90, 9, 1], k=4_000))
    splits = hold_out(table, shares=SHARES, keys=keys, seed=seed)
    split_of, totals = names_of(splits), Counter(table["label"].to_pylist())
    assert len({(key, split_of[row]) for key, row in zip(keys, table["row"].to_pylist(), strict=True)}) == 200
    for split in SHARES:
        found = counts(splits)[split]
        assert abs(found["healthy"] - totals["healthy"] / 10) <= totals["healthy"] / 40
        assert abs(found["sick"] - totals["sick"] / 10) <= totals["sick"] / 40
        assert abs(found["rare"] - totals["rare"] / 10) <= 2


def test_rows_without_label_go_to_train_with_their_copies():
    labels = [None] * 20 + ["a"] * 20
    keys = [str(number) for number in range(20)] + ["3"] + [str(number) for number in range(20, 39)]
    splits = hold_out(rows(labels), shares={"test": 0.5}, keys=keys, seed=13)
    assert counts(splits)["test"].keys() == {"a"}
    assert 9 <= splits["test"].num_rows <= 11
    assert names_of(splits)["a.csv:22"] == "train"


def test_same_seed_same_splits_and_another_seed_other_splits():
    table = rows(["a", "b"] * 50)
    keys = table["row"].to_pylist()
    first, again, other = (hold_out(table, shares=SHARES, keys=keys, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert names_of(first) != names_of(other)


def test_splits_do_not_depend_on_the_order_of_the_rows():
    table = rows(["a", "b"] * 50)
    shuffled = table.take(random.Random(0).sample(range(100), 100))
    splits = [hold_out(found, shares=SHARES, keys=found["row"].to_pylist(), seed=1) for found in (table, shuffled)]
    assert names_of(splits[0]) == names_of(splits[1])


def test_label_without_a_group_of_its_own_is_refused():
    keys = ["same"] * 3 + [str(number) for number in range(10)]
    with pytest.raises(DataError, match=r"'b' \(rows: 1, distinct: 1\)\. At least 2 distinct rows"):
        hold_out(rows(["a", "a", "b"] + ["a"] * 10), shares={"test": 0.5}, keys=keys, seed=1)


def test_subset_has_the_shares_and_the_order_of_the_table():
    table = rows(random.Random(0).choices("abc", weights=(6, 3, 1), k=1_000))
    subset = take(table, 100, 13)
    whole = Counter(table["label"].to_pylist())
    assert subset.num_rows == 100
    for label, num_rows in Counter(subset["label"].to_pylist()).items():
        assert abs(num_rows - whole[label] / 10) < 1
    numbers = [int(row.partition(":")[2]) for row in subset["row"].to_pylist()]
    assert numbers == sorted(numbers)


def test_every_label_is_in_a_subset():
    subset = take(rows(["a"] * 995 + list("bcdef")), 10, 13)
    assert Counter(subset["label"].to_pylist()) == {"a": 5, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}


def test_subset_as_large_as_the_table_is_the_table():
    table = rows(["a", "b"])
    assert take(table, 2, 13) is table
    assert take(table, 9, 13) is table


def test_subset_is_the_same_for_the_same_seed():
    table = rows(["a", "b", None] * 100)
    assert take(table, 30, 1) == take(table, 30, 1)
    assert take(table, 30, 1) != take(table, 30, 2)
    assert Counter(take(table, 30, 1)["label"].to_pylist()) == {"a": 10, "b": 10, None: 10}


@pytest.mark.parametrize(("size", "most"), [(30, 0.06), (180, 0.02), (1_000, 0.01)])
@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_more_rows_move_few_others(size, most, seed):
    order = random.Random(seed)
    old = [f"{order.random()}" for _ in range(4 * size)]
    both = [*old, *(f"{order.random()}" for _ in range(len(old) // 5))]
    label = {key: "abcd"[number % 4] for number, key in enumerate(both)}
    order.shuffle(both)
    before, after = (
        {key: name for name, table in hold_out(pa.table({"row": keys, "label": [label[key] for key in keys]}), shares=SHARES,
                                               keys=keys, seed=seed).items() for key in table["row"].to_pylist()}
        for keys in (old, both))
    moved = [(before[key], after[key]) for key in old if before[key] != after[key]]
    assert len(moved) <= most * len(old)
    assert all("train" in sides for sides in moved), "validation and test never trade rows"
