"""The plain spelling; which texts share one is tested with the keys of `duplicates`."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from finetune.clean.near import spelling

PIECES = ["a", "B", "x-y", "- 5", "-5", "(-5", ":)", ":'(", ";-)", "=(", " ", "  ", "\t", "\n", "\x00", "\x1f", "\x7f", ".", "'", "[c]", "5 %", "C++"]
BEYOND = ["\u00e9", "\u00df", "\u0130", "\u3002", "\u00a0", "\u200b", "\u2026", "\ufb01", "\u22125", "\U0001f44d", "\ufffd"]


def plain(*texts):
    return spelling.plain(pa.chunked_array([pa.array(texts, pa.string())])).to_pylist()


@pytest.mark.parametrize("pieces", [PIECES, PIECES + BEYOND])
def test_the_table_of_bytes_says_what_the_patterns_say(pieces):
    generator = random.Random(0)
    texts = ["".join(generator.choices(pieces, k=generator.randint(0, 8))) for _ in range(5000)]
    in_full = [text.strip(" ") for text in spelling._in_full(pa.array(texts, pa.large_string())).to_pylist()]
    assert plain(*texts) == in_full


def test_blanks_at_ends_do_not_leak_into_the_next_row():
    assert plain(" a ", "", None, "  ", "b.", "!", " c  d !") == ["a", "", "", "", "b", "", "c d"]


def test_slices_are_spelt_like_whole_columns():
    column = pa.chunked_array([["one, two", "Three!"], ["\u00c9t\u00e9", " four"]])
    assert spelling.plain(column.slice(1, 2)).to_pylist() == ["three", "\u00e9t\u00e9"]
