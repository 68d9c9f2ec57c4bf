"""Texts that give their own label away."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import labels_in_text

ROLES = {"text": "text", "label": "label"}


def table(rows):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(rows) + 2)], "hash": ["h"] * len(rows),
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string())})


BOTH = [("good", "positive"), ("bad", "negative")]


@pytest.mark.parametrize(("text", "said"), [
    ("nice, label: positive", "label: positive"), ("sentiment=negative but fine", "sentiment=negative"), ("__label__positive good", "__label__positive"),
    ("[positive] good", "[positive]"), ("good <NEGATIVE>", "<NEGATIVE>"), ("[POS] good", "[POS]"), ("so so {NEG}", "{NEG}"),
    ('{"text": "x", "label": "positive"}', 'label": "positive"'), ("Class : Negative.", "Class : Negative."),
])
def test_stated_labels_are_found(text, said):
    found = labels_in_text.find(table([*BOTH, (text, "positive")]), ROLES)
    assert found.rows == (2,)
    assert found.reasons == (f"column 'text' states a label: {said!r}",)
    assert found.after == (None,)


@pytest.mark.parametrize("text", [
    "a positive review", "I was positive (negative?) at first", "the [positive side] of it", "label: unknown", "record label positive", "[pos]",
    "class of 1999", "rating: high", "it has [sic] gone", "look at [positive] things here", "label: positively", "", None,
])
def test_words_that_are_also_labels_pass(text):
    assert len(labels_in_text.find(table([*BOTH, (text, "positive")]), ROLES)) == 0


def test_labels_of_digits_count_only_behind_their_key():
    rows = [("good", "1"), ("bad", "0"), ("see [1]", "1"), ("[0] is a footnote", "0"), ("label: 1", "1"), ("rating: 10", "1")]
    assert labels_in_text.find(table(rows), ROLES).rows == (4,)


def marked(mark, *, share=1.0, elsewhere=0, size=50):
    rows = [(f"text {i} {mark if i < share * size else ''}", "a") for i in range(size)]
    return rows + [(f"text {i} {mark if i < elsewhere else ''}", "b") for i in range(size)]


def test_word_of_one_label_alone_is_a_mark():
    found = labels_in_text.find(table(marked("#Zq7!")), ROLES)
    assert found.rows == tuple(range(50))
    assert found.reasons[0] == "column 'text' has '#zq7!', which marks the label 'a'"


@pytest.mark.parametrize("settings", [{"share": 0.8}, {"elsewhere": 3}, {"size": 15}])
def test_word_that_is_common_elsewhere_or_not_common_or_of_few_rows_is_none(settings):
    assert len(labels_in_text.find(table(marked("zq7", **settings)), ROLES)) == 0


def test_marks_of_the_training_rows_are_looked_for_in_every_split():
    find = labels_in_text.learn(table(marked("zq7")), ROLES)
    assert find(table([("zq7 here", "b"), ("zq71", "a")]), ROLES).rows == (0,)


def test_one_label_alone_has_no_marks():
    assert len(labels_in_text.find(table([(f"word {i}", "a") for i in range(50)]), ROLES)) == 0


def test_many_labels_with_odd_names_are_no_hindrance():
    rows = [(f"text {i}", f"NUM:c{i} (x|[") for i in range(500)]
    assert labels_in_text.find(table([*rows, ("label: NUM:c7 (x|[", "NUM:c7 (x|[")]), ROLES).rows == (500,)
