"""Rows that hold a sign: what is found is what an expression over all text finds."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from finetune.clean import encoding, markup, whitespace
from finetune.clean.signs import beyond_ascii, matches

SIGNS = ["a", "b", ".", " ", "  ", "\t", "\x7f", "\x00", "\u00e9", "\u3000", "\u4e2d", ";", "<b>", "</b>", "&amp;", "lt;", "\n", "\u00c3\u00a9"]
USUAL = [20, 20, 4, 6, *[0.2] * (len(SIGNS) - 4)]


@pytest.fixture(scope="module", params=[pa.string(), pa.large_string()], ids=str)
def texts(request):
    """Short texts, empty and missing ones among them, in two chunks, the first of which begins within its buffers."""
    chance = random.Random(1)
    cells = ["".join(chance.choices(SIGNS, USUAL, k=chance.randrange(12))) if chance.random() > 0.05 else None for _ in range(40_000)]
    return pa.chunked_array([pa.array(cells[:20_000], request.param), pa.array(cells[20_000:], request.param)]).slice(77)


@pytest.mark.parametrize(("rule", "repair"), [
    (whitespace, whitespace.tidy), (markup, markup.repair), (encoding, encoding.repair)], ids=["whitespace", "markup", "encoding"])
def test_rules_find_every_row_that_their_repair_changes(texts, rule, repair):
    found = rule.find(pa.table({"text": texts}), {"text": "text"})
    expected = [row for row, text in enumerate(texts.to_pylist()) if text is not None and repair(text) != text]
    assert list(found.rows) == expected
    assert 50 < len(expected) < 0.9 * len(texts)


def test_rows_of_many_pieces_are_numbered_through(texts):
    found = matches(texts, "[^[:ascii:]]", beyond_ascii)
    assert found.tolist() == pc.indices_nonzero(pc.match_substring_regex(texts, "[^[:ascii:]]")).to_pylist()
    assert matches(texts.slice(0, 0), ".", beyond_ascii).tolist() == []
