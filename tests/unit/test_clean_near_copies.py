"""The numbers that stand for keys: equal exactly where keys are, although most keys are never made."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from finetune.clean import duplicates
from finetune.clean.near import copies, spelling
from finetune.clean.near.once import by_row, hand_on

ROLES = {"text": "text", "label": "label"}
PIECES = ["a", "B", "cd", " ", "  ", ". ", "?!", ":)", "-5", "\u00e9", "e\u0301", "\u200b", "\u4e2d", "\x07", "\ufb01ne", "fine"]


def table(*texts, labels=None):
    return pa.table({"row": [f"r:{place}" for place in range(len(texts))], "hash": [str(text) for text in texts],
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels or ["x"] * len(texts), pa.string())})


def of_chance(seed, rows=300):
    chance = random.Random(seed)
    return [None if not chance.randrange(30) else "".join(chance.choices(PIECES, k=chance.randrange(5)))
            for _ in range(rows)]


def same(marks):
    """Which entries are equal to which."""
    marks = np.asarray(marks)
    return marks[:, None] == marks[None, :]


@pytest.mark.parametrize("most_text", [0, 2**27])
@pytest.mark.parametrize("seed", range(5))
def test_numbers_are_equal_exactly_where_keys_are(monkeypatch, seed, most_text):
    monkeypatch.setattr(copies, "MOST_TEXT", most_text)
    parts = [table(*of_chance(seed)), table(*of_chance(seed + 100)), table()]
    keys = [key for part in parts for key in duplicates.keys(part, ROLES)]
    assert np.array_equal(same(copies.numbered(parts, ROLES)), same(keys))


def test_words_of_the_same_letters_are_no_copies():
    assert len(set(copies.numbered([table("listen to it", "silent to it", "to it listen")], ROLES))) == 3


def test_two_texts_of_a_row_are_told_apart():
    rows = table("one", "two", "one").append_column("other", pa.array(["two", "one", "Two!"]))
    one, swapped, copy = copies.numbered([rows], {"text": "text", "other": "text"})
    assert one == copy != swapped


def test_a_pair_is_the_same_in_either_order():
    rows = pa.table({"hash": list("abcd"), "text_a": ["one", "Two!", "one", "two"], "text_b": ["two", "one", "one", "two"]})
    roles = {"text_a": "text", "text_b": "text"}
    one, swapped, first, second = copies.numbered([rows], roles)
    assert one == swapped
    assert len({one, first, second}) == 3
    assert same(duplicates.keys(rows, roles)).tolist() == same([one, swapped, first, second]).tolist()


def test_pictures_are_numbered_by_their_hash():
    rows = pa.table({"image": ["a.png", "b.png", "c.png"], "hash": ["1", "2", "1"]})
    assert copies.numbered([rows, rows], {"image": "image"}).tolist() == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_texts_of_one_plain_spelling_weigh_the_same(seed):
    texts = pa.chunked_array([of_chance(seed)], pa.string())
    weight_of = dict(zip(spelling.plain(texts).to_pylist(), spelling.weights(texts).tolist(), strict=True))
    assert spelling.weights(texts).tolist() == [weight_of[plain] for plain in spelling.plain(texts).to_pylist()]
    assert len(set(weight_of.values())) > len(weight_of) / 2


def test_codes_run_through_all_parts_and_nothing_is_minus_one():
    assert copies.codes([pa.array(["b", None]), pa.chunked_array([["a"], ["b"]])]).tolist() == [0, -1, 1, 0]


def test_label_of_several_columns_counts_as_one_and_is_unknown_where_a_part_is_missing():
    rows = pa.table({"text": ["a"] * 4, "one": ["x", "x", "y", None], "two": ["1", "2", "1", "1"]})
    number, known = copies.labels(rows, {"one": "label", "two": "label"})
    assert len(set(number.tolist())) == 4
    assert known.tolist() == [True, True, True, False]


def test_first_rows_are_those_among_the_ones_that_count():
    number = np.array([0, 1, 0, 1, 2])
    assert copies.firsts(number).tolist() == [0, 1, 4]
    assert copies.firsts(number, among=np.array([False, True, True, True, False])).tolist() == [2, 1, -1]


def test_what_is_known_of_rows_is_handed_on_to_a_part_of_them():
    rows, places = table("a", "b", "c"), np.array([0, 2])
    by_row("number", rows, lambda: np.array([10, 11, 12]))
    part = hand_on(rows, rows.take(places), places)
    assert by_row("number", part, lambda: pytest.fail("made anew")).tolist() == [10, 12]


@pytest.mark.parametrize("ends", ["blanks at both ends  ", "   ", " a  b ", ""])
def test_runs_of_blanks_end_at_the_row(ends):
    texts = pa.chunked_array([[ends, " ", ends, "x"]])
    assert spelling.plain(texts).to_pylist() == [" ".join(ends.split()), "", " ".join(ends.split()), "x"]


def test_long_rows_of_blanks_take_no_longer_than_others():
    texts = pa.chunked_array([[" " * 2**20 + "a", " " * 2**20]])
    assert spelling.plain(texts).to_pylist() == ["a", ""]
