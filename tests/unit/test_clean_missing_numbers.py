"""Cells without a number: reported, dropped or filled, and given back exactly."""

from __future__ import annotations

import hashlib
import random

import pyarrow as pa
import pytest

from finetune.clean import engine, ledger, missing_numbers
from finetune.clean.restore import restore
from finetune.errors import DataError, SpecError

ROLES = {"text": "text", "price": "number", "size": "number", "label": "label"}


def table(prices, sizes=None, name="t"):
    texts = [f"text number {i} of {name}, unlike any other of them" for i in range(len(prices))]
    return pa.table({"row": [f"{name}.csv:{i}" for i in range(2, len(prices) + 2)],
                     "hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts], "text": texts,
                     "price": pa.array(prices, pa.float64()), "size": pa.array(sizes or [1.0] * len(prices), pa.float64()),
                     "label": ["a", "b"] * (len(prices) // 2) + ["a"] * (len(prices) % 2)})


def cleaned(policy, prices=(1.0, None, 3.0, 8.0), sizes=None, test=(None, 2.0)):
    splits = {"train": table(prices, sizes), "test": table(test, name="e")}
    return splits, engine.clean(splits, ROLES, {"missing_numbers": policy, "outliers": "off"})


@pytest.mark.parametrize(("policy", "price"), [("mean", 4.0), ("median", 3.0), ("0", 0.0), ("-1.5", -1.5), ("price:7", 7.0)])
def test_training_cells_are_filled_and_held_out_ones_are_not(policy, price):
    splits, found = cleaned(policy)
    assert found.splits["train"]["price"].to_pylist() == [1.0, price, 3.0, 8.0]
    assert found.splits["test"].equals(splits["test"])
    assert [(line.row, line.action, line.before, line.after) for line in found.ledger] == [
        ("t.csv:3", "changed", None, price), ("e.csv:2", "reported", None, price)]


def test_columns_are_filled_each_in_its_own_way():
    _, found = cleaned("price:median,size:0", sizes=[None, 2.0, 2.0, None])
    assert found.splits["train"]["price"].to_pylist() == [1.0, 3.0, 3.0, 8.0]
    assert found.splits["train"]["size"].to_pylist() == [0.0, 2.0, 2.0, 0.0]


def test_column_that_is_not_named_is_reported():
    _, found = cleaned("size:0", sizes=[None, 2.0, 2.0, 2.0])
    assert found.splits["train"]["price"].to_pylist() == [1.0, None, 3.0, 8.0]
    assert found.quality["rules"]["missing_numbers"]["splits"]["train"] == {"found": 2, "changed": 1, "dropped": 0, "reported": 1}


def test_rows_can_be_dropped_or_refused():
    _, found = cleaned("drop")
    assert found.splits["train"]["row"].to_pylist() == ["t.csv:2", "t.csv:4", "t.csv:5"]
    with pytest.raises(DataError, match=r"t\.csv:3: column 'price' has no number\. Fix it or set clean\.missing_numbers=drop"):
        cleaned("fail")


def test_default_reports():
    assert missing_numbers.default == "report"
    _, found = cleaned("report")
    assert found.splits["train"]["price"].null_count == 1


@pytest.mark.parametrize("policy", ["most", "price:", ":3", "nan", "inf", "price:mean,", "mean,size:0", "price:drop"])
def test_other_policies_are_refused(policy):
    assert engine.problems({"missing_numbers": policy})[0].startswith(
        f"clean.missing_numbers: there is no policy {policy!r} for it. Policies: off, report, drop, fail, mean, median, a number, or one for")


def test_unknown_column_and_column_without_any_number_are_refused():
    with pytest.raises(DataError, match=r"^clean\.missing_numbers: there is not a column of numbers 'cost'\. Columns: price, size"):
        cleaned("cost:0")
    with pytest.raises(DataError, match=r"^clean\.missing_numbers: column 'price' has no number in the training rows, so it has no"):
        cleaned("mean", prices=(None, None))


def test_rule_is_refused_where_there_are_no_numbers():
    rows = table([1.0, 2.0]).drop_columns(["price", "size"])
    with pytest.raises(SpecError, match="this task has no number column"):
        engine.clean({"train": rows, "test": rows}, {"text": "text", "label": "label"}, {"missing_numbers": "mean"})


def test_number_that_is_learnt_is_never_made_up():
    rows = table([1.0, 2.0, 3.0]).drop_columns(["size", "label"]).rename_columns(["row", "hash", "text", "label"])
    rows = rows.set_column(3, "label", pa.array([1.0, None, 3.0]))
    roles = {"text": "text", "label": "number"}
    with pytest.raises(DataError, match=r"t\.csv:3: column 'label' is empty\. Fix it or set clean\.missing_labels=drop"):
        engine.clean({"train": rows}, roles, {})
    for policy in ("mean", "label:0", "drop", "fail"):
        with pytest.raises(SpecError, match=r"^clean\.missing_numbers: this task has no column of numbers but the one that is learnt"):
            engine.clean({"train": rows}, roles, {"missing_numbers": policy})
    found = engine.clean({"train": rows}, roles, {"missing_labels": "drop"})
    assert found.splits["train"]["label"].to_pylist() == [1.0, 3.0]


@pytest.mark.parametrize("policy", ["mean", "median", "drop", "price:1e-300,size:mean", "report"])
@pytest.mark.parametrize("seed", range(5))
def test_cleaned_rows_and_the_ledger_on_disk_give_the_numbers_back_bit_for_bit(policy, seed, tmp_path):
    chance = random.Random(seed)
    cells = [chance.choice((None, 0.1, -0.0, 5e-324, 1e300, chance.random(), chance.gauss(0, 1e9))) for _ in range(200)]
    splits = {"train": table([0.5, 0.5, *cells], [2.0, 2.0, *cells[::-1]])}
    found = engine.clean(splits, ROLES, {"missing_numbers": policy, "outliers": "drop", "duplicates": "off"})
    ledger.write(found.ledger, tmp_path / "ledger.jsonl")
    back = restore(found.splits["train"], ledger.read(tmp_path / "ledger.jsonl"))
    assert back.schema == splits["train"].schema
    for column in ("price", "size"):
        bits = [[None if cell is None else cell.hex() for cell in rows[column].to_pylist()] for rows in (back, splits["train"])]
        assert bits[0] == bits[1]
    assert back.drop_columns(["price", "size"]).equals(splits["train"].drop_columns(["price", "size"]))
