"""Rows without text, and rows that only look so."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import blanks

ROLES = {"text": "text", "label": "label"}


def table(*texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": ["h"] * len(texts),
                     "text": pa.array(texts, pa.string()), "label": ["a"] * len(texts)})


@pytest.mark.parametrize("text", [
    "", " ", "\t\n", "\u00a0\u3000", "\u200b\ufeff", "\x00\x07", "\u200d\ufe0f", "\u00ad", "\u3164", "\u2800", None,
])
def test_text_that_shows_nothing_is_found(text):
    found = blanks.find(table("good", text, "bad"), ROLES)
    assert (found.rows, found.columns, found.before, found.after) == ((1,), ("text",), (text,), (None,))
    assert found.reasons == ("column 'text' has no text",)


@pytest.mark.parametrize("text", [
    "a", "5", "é", "好", "ы", "👍", "❤\ufe0f", "$", "+", ":)", "?!", "...", "-", "\ufffd", " x ", "\n.\n",
    "\U0001fae9", "\U0001fffd",  # the last is a symbol that no library knows yet
])
def test_text_that_shows_anything_is_left_alone(text):
    assert len(blanks.find(table(text), ROLES)) == 0
