"""Near copies with different labels."""

from __future__ import annotations

import pyarrow as pa

from finetune.clean import engine, near_contradictions

ROLES = {"text": "text", "label": "label"}
TEXT = "Of all the places on the harbour this is the one where they know how to fry a fish"


def table(*rows):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(rows) + 2)], "hash": [f"h{text}" for text in texts],
                     "text": texts, "label": pa.array(labels, pa.string())})


def test_both_sides_name_each_other_and_the_similarity():
    found = near_contradictions.find(table((TEXT, "pos"), ("x", "neg"), (f"{TEXT} again", "neg")), ROLES)
    assert (found.rows, found.before, found.after) == ((0, 2), (TEXT, f"{TEXT} again"), (None, None))
    assert found.reasons == (
        "labelled 'pos', but its near copy r.csv:4 (similarity 0.90) is labelled 'neg'",
        "labelled 'neg', but its near copy r.csv:2 (similarity 0.90) is labelled 'pos'",
    )


def test_near_copies_of_one_label_do_not_contradict():
    assert len(near_contradictions.find(table((TEXT, "pos"), (f"{TEXT} again", "pos")), ROLES)) == 0


def test_equal_copies_are_left_to_contradictions():
    assert len(near_contradictions.find(table((TEXT, "pos"), (f"{TEXT}!", "neg")), ROLES)) == 0


def test_missing_label_contradicts_nothing():
    assert len(near_contradictions.find(table((TEXT, None), (f"{TEXT} again", "pos")), ROLES)) == 0


def test_nothing_is_dropped_unless_asked():
    rows = table((TEXT, "pos"), (f"{TEXT} again", "neg"), ("one", "pos"), ("two", "neg"))
    assert engine.clean({"train": rows}, ROLES, {}).splits["train"].equals(rows)
    dropped = engine.clean({"train": rows}, ROLES, {"near_contradictions": "drop"})
    assert dropped.splits["train"]["row"].to_pylist() == ["r.csv:4", "r.csv:5"]
