"""Words for a missing text or label."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import placeholders

ROLES = {"text": "text", "label": "label"}


def table(text, label):
    return pa.table({"row": ["r.csv:2"], "hash": ["h"], "text": pa.array([text], pa.string()), "label": pa.array([label], pa.string())})


@pytest.mark.parametrize("text", ["NaN", "null", " N/A ", "#REF!", "undefined", "None", "-", "?", "...", "[deleted]", "No comment",
                                  "Lorem ipsum dolor sit amet", "\\N", "[object Object]"])
def test_words_for_nothing_are_found_in_texts(text):
    found = placeholders.find(table(text, "pos"), ROLES)
    assert (found.rows, found.columns, found.before, found.after) == ((0,), ("text",), (text,), (None,))
    assert found.reasons == ("column 'text' has a word for a missing text",)


@pytest.mark.parametrize("text", ["none of it", "null and void", "?!", ":-)", "na und", "nan bread", "no", "0", "", "ok", "missing you", None])
def test_words_that_say_something_stay(text):
    assert len(placeholders.find(table(text, "pos"), ROLES)) == 0


def test_labels_that_are_no_label_are_found():
    assert placeholders.find(table("good", "nan"), ROLES).columns == ("label",)


@pytest.mark.parametrize("label", ["none", "NA", "-", "missing", "?", "neutral", None])
def test_words_that_can_be_labels_stay(label):
    assert len(placeholders.find(table("good", label), ROLES)) == 0
