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


PAIRS = {"text_a": "text", "text_b": "text", "label": "number"}


def pairs(*rows):
    one, other, numbers = zip(*rows, strict=True)
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(rows) + 2)], "hash": [str(i) for i in range(len(rows))],
                     "text_a": one, "text_b": other, "label": pa.array(numbers, pa.float64())})


def test_one_pair_with_two_numbers_is_a_contradiction_in_either_order():
    rows = pairs(("A cat.", "A dog.", 1.5), ("a dog", "a cat", 2.0), ("A cat.", "A bird.", 3.0), ("a cat", "a bird", 3.0))
    found = contradictions.find(rows, PAIRS)
    assert found.rows == (0, 1)
    assert found.reasons[0] == "labelled 1.5, but its copy r.csv:3 is labelled 2.0"


def test_one_pair_without_a_number_contradicts_nothing():
    assert len(contradictions.find(pairs(("A cat.", "A dog.", 1.5), ("A dog.", "A cat.", None)), PAIRS)) == 0


def test_question_and_answer_are_no_pair_in_either_order():
    rows = pairs(("yes", "no", 1.0), ("no", "yes", 2.0)).rename_columns(["row", "hash", "question", "context", "label"])
    roles = {"question": "text", "context": "text", "label": "number"}
    assert len(contradictions.find(rows, roles)) == 0
