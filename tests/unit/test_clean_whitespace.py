"""Blanks and invisible characters: which are removed and which mean something."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import whitespace

ROLES = {"text": "text", "label": "label"}


def table(*texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": ["h"] * len(texts),
                     "text": pa.array(texts, pa.string()), "label": ["a"] * len(texts)})


@pytest.mark.parametrize("text, after, reason", [
    (" good", "good", "blanks at its ends"),
    ("good ", "good", "blanks at its ends"),
    ("very  good", "very good", "runs of blanks"),
    ("very\tgood", "very good", "tabs, line breaks or odd blanks"),
    ("very\ngood", "very good", "tabs, line breaks or odd blanks"),
    ("very\u00a0good", "very good", "tabs, line breaks or odd blanks"),
    ("very\u2028good", "very good", "tabs, line breaks or odd blanks"),
    ("go\u200bod", "good", "invisible characters"),
    ("\ufeffgood", "good", "invisible characters"),
    ("go\x00od\x07", "good", "invisible characters"),
    ("good\x85", "good", "blanks at its ends, tabs, line breaks or odd blanks"),
    ("\u3000とても", "とても", "blanks at its ends"),
    ("とても\u3000\u3000良い", "とても 良い", "runs of blanks"),
    ("good\n", "good", "blanks at its ends, tabs, line breaks or odd blanks"),
    ("very\r\ngood", "very good", "runs of blanks, tabs, line breaks or odd blanks"),
    ("\u200b good", "good", "invisible characters"),
    (" \t ", "", "blanks at its ends, runs of blanks, tabs, line breaks or odd blanks"),
])
def test_useless_blanks_are_removed(text, after, reason):
    found = whitespace.find(table("fine", text), ROLES)
    assert (found.rows, found.columns, found.before, found.after) == ((1,), ("text",), (text,), (after,))
    assert found.reasons == (f"column 'text' has {reason}",)


@pytest.mark.parametrize("text", [
    "", "good", "very good", "café naïve", "这部电影很好看", "とても\u3000良い", "👩\u200d👩\u200d👧 ❤\ufe0f", "\u0645\u06cc\u200c\u062e\u0648",
    "C++ or C#", "5.0 or 50", "e\u0301t\u0301", "soft\u00adhyphen",
])
def test_clean_text_is_left_alone(text):
    assert len(whitespace.find(table(text), ROLES)) == 0


def test_arrow_and_python_agree_on_every_character():
    cells = [f"a{chr(point)}b" for point in range(0x10000) if not 0xD800 <= point <= 0xDFFF]
    found = whitespace.find(table(*cells), ROLES)
    assert [cells[row] for row in found.rows] == [cell for cell in cells if whitespace.tidy(cell) != cell]
    assert not any(reason.endswith("has ") for reason in found.reasons)


def test_tidy_text_is_tidy():
    cells = [chr(a) + chr(b) + "x" + chr(b) + chr(a) for a in range(0x100) for b in (0x20, 0xA0, 0x200B, 0x3000, 0x7F)]
    assert len(whitespace.find(table(*map(whitespace.tidy, cells)), ROLES)) == 0


def test_ascii_is_tidied_as_all_text_is():
    for code in range(128):
        for text in (f"a{chr(code)}b", f" a {chr(code)} b{chr(code)}", f"{chr(code)}{chr(code)}a  b\t"):
            assert whitespace.tidy(text) == whitespace.tidy(f"{text}\u00e9")[:-1].rstrip(" "), (code, text)
