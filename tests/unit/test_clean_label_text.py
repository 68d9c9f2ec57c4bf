"""Rows with lists of labels are cleaned as rows with one label are; the order of a list says nothing."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from finetune.clean import contradictions, duplicates, engine, label_text, ledger, missing_labels, near_contradictions
from finetune.errors import DataError

ROLES = {"text": "text", "label": "labels"}


def table(*rows: tuple[str, list[str] | None]) -> pa.Table:
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(rows) + 2)], "hash": [f"h{text}" for text in texts],
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.list_(pa.string()))})


def held_out() -> dict[str, pa.Table]:
    return {"validation": table(("held one", ["a"])), "test": table(("held two", ["b"]))}


def test_lists_are_told_in_alphabetical_order_and_one_without_names_as_such() -> None:
    told = label_text.as_text(table(("x", ["b", "a"]), ("y", []), ("z", None))["label"])
    assert told.to_pylist() == ["a; b", "(none)", None]


def test_a_copy_with_the_same_labels_in_another_order_is_a_duplicate() -> None:
    rows = table(("Good", ["a", "b"]), ("good!", ["b", "a"]), ("good", ["a"]))
    assert duplicates.find(rows, ROLES).rows == (1,)


def test_copies_with_other_labels_contradict_each_other_and_the_reason_names_both_lists() -> None:
    found = contradictions.find(table(("good", ["b", "a"]), ("bad", ["b"]), ("Good!", []), ("good", None)), ROLES)
    assert found.rows == (0, 2)
    assert found.reasons == ("labelled 'a; b', but its copy r.csv:4 is labelled '(none)'",
                             "labelled '(none)', but its copy r.csv:2 is labelled 'a; b'")


def test_near_copies_with_other_labels_are_reported() -> None:
    text = "the quick brown fox jumps over the lazy dog and runs away from the old grey farmer with his long stick"
    rows = table((text, ["a"]), (f"{text} today", ["a", "b"]), (f"{text} now", ["a"]))
    assert len(near_contradictions.find(rows, ROLES)) == 3


def test_only_null_is_a_missing_list() -> None:
    assert missing_labels.find(table(("x", []), ("y", None), ("z", ["a"])), ROLES).rows == (1,)


def test_rows_count_for_each_of_their_labels_before_and_after() -> None:
    assert ledger.class_counts([["a", "b"], [], ["a"], None], [["a", "b"], []]) == {
        "a": {"before": 2, "after": 1}, "b": {"before": 1, "after": 1}}


def test_the_engine_cleans_lists_and_keeps_the_rows_of_a_dropped_line() -> None:
    splits = {"train": table(("good", ["a", "b"]), ("good", ["b", "a"]), ("bad", []), ("fine", ["b"])), **held_out()}
    cleaned = engine.clean(splits, ROLES, {})
    assert cleaned.splits["train"]["label"].to_pylist() == [["a", "b"], [], ["b"]]
    assert cleaned.quality["classes"]["train"] == {"a": {"before": 2, "after": 1}, "b": {"before": 3, "after": 2}}
    (line,) = [line for line in cleaned.ledger if line.action == "dropped"]
    assert (line.rule, line.cells["label"]) == ("duplicates", ["b", "a"])


def test_a_label_of_which_cleaning_leaves_no_row_is_refused() -> None:
    splits = {"train": table(("good", ["a"]), ("Good", ["a", "b"]), ("bad", ["a"]), ("fine", [])), **held_out()}
    with pytest.raises(DataError, match=r"cleaning left none of label 'b' \(contradictions dropped 1\)"):
        engine.clean(splits, ROLES, {})


def test_a_restored_row_has_its_list_again() -> None:
    from finetune.clean.restore import restore

    rows: Any = table(("good", ["a", "b"]), ("good", ["b", "a"]), ("bad", []), ("fine", ["b"]))
    cleaned = engine.clean({"train": rows, **held_out()}, ROLES, {})
    assert restore(cleaned.splits["train"], cleaned.ledger).to_pylist() == rows.to_pylist()
