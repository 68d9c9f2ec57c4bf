"""Copies with different labels."""

from __future__ import annotations

import pyarrow as pa

from finetune.clean import contradictions

ROLES = {"text": "text", "label": "label"}


def table(*rows):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(rows) + 2)], "hash": [f"h{text}" for text in texts],
                     "text": texts, "label": pa.array(labels, pa.string())})


def test_all_rows_of_a_contradiction_are_found():
    found = contradictions.find(table(("good", "pos"), ("bad", "neg"), ("Good!", "neg"), ("good", "pos")), ROLES)
    assert (found.rows, found.columns) == ((0, 2, 3), ("text",) * 3)
    assert found.before == ("good", "Good!", "good")
    assert found.after == (None, None, None)
    assert found.reasons == (
        "labelled 'pos', but its copy r.csv:4 is labelled 'neg'",
        "labelled 'neg', but its copy r.csv:2 is labelled 'pos'",
        "labelled 'pos', but its copy r.csv:4 is labelled 'neg'",
    )


def test_copies_of_one_label_do_not_contradict():
    assert len(contradictions.find(table(("good", "pos"), ("good", "pos"), ("bad", "neg")), ROLES)) == 0


def test_texts_that_only_look_alike_do_not_contradict():
    rows = table(("C#", "a"), ("C++", "b"), ("5.0", "a"), ("50", "b"), ("fine :)", "a"), ("fine :(", "b"))
    assert len(contradictions.find(rows, ROLES)) == 0


def test_missing_label_contradicts_nothing():
    assert len(contradictions.find(table(("good", None), ("good", "pos"), ("good", None)), ROLES)) == 0


def test_images_contradict_by_hash():
    rows = pa.table({"row": ["a/1.png", "b/1.png", "b/2.png"], "hash": ["x", "x", "y"],
                     "image": ["a/1.png", "b/1.png", "b/2.png"], "label": ["a", "b", "b"]})
    assert contradictions.find(rows, {"image": "image", "label": "label"}).rows == (0, 1)
