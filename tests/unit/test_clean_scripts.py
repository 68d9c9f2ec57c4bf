"""Which script a text is written in."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest

from finetune.clean.scripts import BLOCKS, NAMES, scripts


@pytest.mark.parametrize(("text", "name", "letters"), [
    ("plain", "Latin", 5), ("naïve", "Latin", 5), ("привет, world", "Cyrillic", 6), ("καλημέρα", "Greek", 8), ("好吃。", "Chinese", 2),
    ("注文です", "Japanese", 4), ("日本の東京", "Japanese", 5), ("한국어", "Korean", 3), ("नमस्ते", "Devanagari", 6), ("สวัสดี", "Thai", 6),
    ("שלום", "Hebrew", 4), ("مرحبا", "Arabic", 5), ("123 !? 👍", "", 0), ("", "", 0), (None, "", 0),
])
def test_script_is_that_of_most_letters(text, name, letters):
    found, counted = scripts(pa.array([text, "x"], pa.string()))
    assert (NAMES[found[0]], counted[0]) == (name, letters)


def test_blocks_agree_with_the_names_of_the_letters():
    for name, blocks in BLOCKS:
        word = {"Chinese": "CJK", "Korean": "HANGUL", "Burmese": "MYANMAR"}.get(name, name.upper())
        for first, last in blocks:
            letters = [chr(code) for code in range(first, last + 1) if unicodedata.category(chr(code))[0] == "L"]
            names = [unicodedata.name(sign, word) for sign in letters]
            right = sum(any(part in found for part in (word, "HIRAGANA", "KATAKANA", "COPTIC")) for found in names)
            assert letters
            assert right / len(letters) > 0.95, name


def test_rows_in_pieces_are_counted_like_whole_ones():
    texts = ["good", "очень", None, "好吃好吃", "x1"] * 3
    whole = scripts(pa.chunked_array([pa.array(texts)]))
    pieces = scripts(pa.chunked_array([pa.array(texts[:4]), pa.array(texts[4:])]))
    assert [part.tolist() for part in whole] == [part.tolist() for part in pieces]
