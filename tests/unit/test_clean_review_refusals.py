"""Reasons to refuse rows are told all at once."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest

from finetune.clean import engine
from finetune.clean.review.refusals import RefusedError
from finetune.errors import DataError

ROLES = {"text": "text", "label": "label"}


def table(*rows, name="t"):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"{name}.csv:{i}" for i in range(2, len(rows) + 2)], "hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string())})


def refused(policies, **splits):
    with pytest.raises(RefusedError) as error:
        engine.clean(splits, ROLES, policies)
    return error.value


def test_every_rule_that_fails_is_told_in_the_order_of_the_rules() -> None:
    train = table(("one", "x"), ("two", None), ("  three", "y"), ("one", "x"), ("six", "y"))
    error = refused({"whitespace": "fail", "duplicates": "fail", "leakage": "fail"}, train=train, test=table(("Six!", "y"), ("ten", None), name="e"))
    assert str(error).splitlines() == [
        "data.files.train: t.csv:4: column 'text' has blanks at its ends, runs of blanks. Fix it or set clean.whitespace=fix.",
        "data.files.train: t.csv:3: column 'label' is empty. Fix it or set clean.missing_labels=drop.",
        "data.files.test: e.csv:3: column 'label' is empty. Fix it: test rows are never dropped.",
        "data.files.train: t.csv:5: exact copy of t.csv:2. Fix it or set clean.duplicates=drop.",
        "data.files.train: t.csv:6: same as e.csv:2 in test. Fix it or set clean.leakage=drop."]
    assert isinstance(error, DataError)
    assert error.messages == tuple(str(error).splitlines())


def test_every_row_that_two_splits_share_is_listed_with_its_copy() -> None:
    shared = [(f"shared {word}", "y") for word in ("one", "two", "six")]
    error = refused({"leakage": "fail"}, train=table(("alone", "x"), ("another", "y"), *shared), test=table(*shared[::-1], name="e"))
    assert str(error).splitlines() == [
        "data.files.train: t.csv:4: same as e.csv:4 in test. 3 rows like it (4, 5, 6). Fix them or set clean.leakage=drop.",
        "  t.csv:5: same as e.csv:3 in test", "  t.csv:6: same as e.csv:2 in test"]


def test_of_very_many_shared_rows_the_rest_is_counted() -> None:
    shared = [(f"number {number}", "y") for number in range(60)]
    lines = str(refused({"leakage": "fail"}, train=table(("alone", "x"), ("another", "y"), *shared), test=table(*shared, name="e"))).splitlines()
    assert len(lines) == 1 + 50 + 1
    assert lines[-1] == "  and 9 more; with clean.leakage=report the ledger lists them all"


def test_tally_of_all_checks_comes_with_the_refusal() -> None:
    error = refused({"outliers": "off"}, train=table(("one", "x"), ("two", None), ("same", "x"), ("same", "y"), ("last", "y")))
    levels = {line["check"]: line["level"] for line in error.tally}
    assert levels["missing_labels"] == "fail"
    assert levels["contradictions"] == "warn"
    assert levels["encoding"] == "good"
    assert "outliers" not in levels


def test_label_that_vanishes_is_told_beside_a_rule_that_fails() -> None:
    error = refused({}, train=table(("one", "x"), ("two", None), ("same", "odd"), ("Same", "x")))
    assert len(error.messages) == 2
    assert "cleaning left none of label 'odd' (contradictions dropped 1)" in error.messages[1]


def test_label_whose_rows_only_a_failing_rule_would_drop_is_not_told() -> None:
    error = refused({"blanks": "fail"}, train=table(("one", "x"), ("", "odd")))
    assert error.messages == ("data.files.train: t.csv:3: column 'text' has no text. Fix it or set clean.blanks=drop.",)


def test_failing_rule_leaves_the_rows_as_they_came() -> None:
    train = table(("one", "x"), ("  two", "y"))
    refused({"whitespace": "fail"}, train=train)
    assert train["text"].to_pylist() == ["one", "  two"]
