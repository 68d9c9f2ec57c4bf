"""Rows that stand in two splits."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import engine, leakage, ledger
from finetune.clean.restore import restore
from finetune.errors import DataError

ROLES = {"text": "text", "label": "label"}


def table(name, *texts):
    return pa.table({"row": [f"{name}.csv:{i}" for i in range(2, len(texts) + 2)], "hash": [f"h{t}" for t in texts],
                     "text": list(texts), "label": ["a"] * len(texts)})


def test_shared_rows_are_found_in_every_split_that_has_them():
    splits = {"train": table("t", "one", "two", "Three!"), "validation": table("v", "TWO", "four"),
              "test": table("e", "three", "two", "five")}
    found, _ = leakage.find(splits, ROLES)
    assert (found["train"].rows, found["validation"].rows, found["test"].rows) == ((1, 2), (0,), (0, 1))
    assert found["train"].reasons == ("same as v.csv:2 in validation and e.csv:3 in test", "same as e.csv:2 in test")
    assert found["validation"].reasons == ("same as t.csv:3 in train and e.csv:3 in test",)
    assert found["train"].before == ("two", "Three!")
    assert found["train"].after == (None, None)


def test_pairs_count_the_shared_rows_of_either_split():
    splits = {"train": table("t", "one", "one", "two"), "validation": table("v", "one", "three"),
              "test": table("e", "three", "three", "two")}
    _, pairs = leakage.find(splits, ROLES)
    assert pairs == {"train-validation": {"train": 2, "validation": 1}, "train-test": {"train": 1, "test": 1},
                     "validation-test": {"validation": 1, "test": 2}}


def test_copies_inside_one_split_are_no_leak():
    found, pairs = leakage.find({"train": table("t", "one", "one"), "test": table("e", "two", "two")}, ROLES)
    assert [len(findings) for findings in found.values()] == [0, 0]
    assert pairs == {"train-test": {"train": 0, "test": 0}}


def test_a_lone_training_split_has_no_pairs():
    found, pairs = leakage.find({"train": table("t", "one")}, ROLES)
    assert len(found["train"]) == 0
    assert pairs == {}


TEXT = "Of all the places on the harbour this is the one where they know how to fry a fish"


def test_near_copies_leak_and_are_named_with_their_similarity():
    splits = {"train": table("t", "one", f"{TEXT} again"), "validation": table("v", "four"), "test": table("e", TEXT)}
    found, pairs = leakage.find(splits, ROLES)
    assert (found["train"].rows, found["test"].rows) == ((1,), (0,))
    assert found["train"].reasons == ("near copy of e.csv:2 in test (similarity 0.90)",)
    assert found["test"].reasons == ("near copy of t.csv:3 in train (similarity 0.90)",)
    assert pairs["train-test"] == {"train": 1, "test": 1}


def test_equal_copy_is_named_before_a_near_one_and_instead_of_it():
    splits = {"train": table("t", TEXT), "validation": table("v", f"{TEXT} again"), "test": table("e", f"{TEXT} now", TEXT)}
    found, _ = leakage.find(splits, ROLES)
    assert found["train"].reasons == ("same as e.csv:3 in test and near copy of v.csv:2 in validation (similarity 0.90)",)


def test_near_copies_inside_one_split_are_no_leak():
    found, _ = leakage.find({"train": table("t", TEXT, f"{TEXT} again"), "test": table("e", "two")}, ROLES)
    assert [len(findings) for findings in found.values()] == [0, 0]


def test_label_does_not_matter_to_a_leak():
    train = table("t", f"{TEXT} again").set_column(3, "label", [["b"]])
    assert leakage.find({"train": train, "test": table("e", TEXT)}, ROLES)[0]["train"].rows == (0,)


GROUPED = {**ROLES, "group": "group"}


def grouped(name, **texts):
    return table(name, *texts).append_column("group", pa.array([*texts.values()], pa.string()))


def test_rows_of_a_group_that_another_split_has_leak():
    splits = {"train": grouped("t", one="ann", two="bob", three="eve", four=None),
              "test": grouped("e", five="bob", six="zoe", seven=None, eight="bob")}
    found, pairs = leakage.find(splits, GROUPED)
    assert (found["train"].rows, found["test"].rows) == ((1,), (0, 3))
    assert found["train"].reasons == ("of one group with e.csv:2 in test",)
    assert found["test"].reasons == ("of one group with t.csv:3 in train",) * 2
    assert pairs == {"train-test": {"train": 1, "test": 2}}
    assert found["train"].counts == {"same group": 1}


def test_copy_of_the_same_group_is_called_a_copy():
    splits = {"train": grouped("t", one="ann", two="ann"), "test": grouped("e", one="ann")}
    found, _ = leakage.find(splits, GROUPED)
    assert found["train"].reasons == ("same as e.csv:2 in test", "of one group with e.csv:2 in test")
    assert found["train"].counts == {"copies": 1, "same group": 1}


def test_without_a_group_column_nothing_is_counted_by_kind():
    found, _ = leakage.find({"train": table("t", "one"), "test": table("e", "one")}, ROLES)
    assert found["train"].counts == {}


def test_training_rows_of_a_group_in_test_move_out_by_default_and_the_count_is_said():
    splits = {"train": grouped("t", one="ann", two="bob", three="eve"), "test": grouped("e", five="bob")}
    cleaned = engine.clean(splits, GROUPED, {})
    assert cleaned.splits["train"]["group"].to_pylist() == ["ann", "eve"]
    assert cleaned.splits["test"].num_rows == 1
    assert ledger.summary(cleaned.quality) == [
        ("leakage", "1 dropped of 3 training rows (same group 1); 1 reported in test")]
    assert restore(cleaned.splits["train"], cleaned.ledger).equals(splits["train"])


def test_groups_on_two_sides_can_be_refused():
    splits = {"train": grouped("t", one="ann", two="bob", three="eve"), "test": grouped("e", five="bob")}
    with pytest.raises(DataError, match=r"t\.csv:3: of one group with e\.csv:2 in test\. Fix it or set clean\.leakage=drop"):
        engine.clean(splits, GROUPED, {"leakage": "fail"})


def test_a_pair_that_stands_the_other_way_round_in_test_leaks():
    roles = {"text_a": "text", "text_b": "text", "label": "number"}
    splits = {name: pa.table({"row": [f"{name}:0"], "hash": ["h"], "text_a": [one], "text_b": [other], "label": [1.0]})
              for name, one, other in (("train", "A cat.", "A dog."), ("test", "a dog", "a cat"))}
    found, pairs = leakage.find(splits, roles)
    assert found["train"].reasons == ("same as test:0 in test",)
    assert pairs["train-test"] == {"train": 1, "test": 1}
