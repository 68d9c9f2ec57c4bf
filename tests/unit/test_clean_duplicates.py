"""Copies of rows, and the key that makes them so."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest

from finetune.clean import duplicates

ROLES = {"text": "text", "label": "label"}


def table(*texts, labels=None):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)],
                     "hash": [hashlib.sha256((text or "").encode()).hexdigest() for text in texts],
                     "text": pa.array(texts, pa.string()), "label": labels or ["a"] * len(texts)})


def test_exact_copy_names_the_row_that_stays():
    found = duplicates.find(table("good", "bad", "good", "good"), ROLES)
    assert (found.rows, found.columns) == ((2, 3), ("text", "text"))
    assert found.reasons == ("exact copy of r.csv:2", "exact copy of r.csv:2")
    assert (found.before, found.after) == (("good", "good"), (None, None))


def test_normalised_copy_is_named_as_such():
    found = duplicates.find(table("It was good.", "bad", "it  was GOOD!"), ROLES)
    assert found.rows == (2,)
    assert found.reasons == ("copy of r.csv:2 but for case, blanks or punctuation",)


def test_kind_of_copy_is_judged_against_the_row_that_stays():
    found = duplicates.find(table("good", "Good!", "Good!"), ROLES)
    assert found.reasons == ("copy of r.csv:2 but for case, blanks or punctuation",) * 2


def test_copy_with_another_label_is_no_duplicate():
    assert len(duplicates.find(table("good", "good", labels=["a", "b"]), ROLES)) == 0


def test_task_without_label_column_has_duplicates_too():
    assert duplicates.find(table("good", "good"), {"text": "text"}).rows == (1,)


def test_images_are_copies_by_hash_and_quoted_by_locator():
    rows = pa.table({"row": ["a/1.png", "a/2.png", "a/3.png"], "hash": ["x", "y", "x"],
                     "image": ["d/1.png", "d/2.png", "d/3.png"], "label": ["a", "a", "a"]})
    found = duplicates.find(rows, {"image": "image", "label": "label"})
    assert (found.rows, found.before, found.reasons) == ((2,), ("d/3.png",), ("exact copy of a/1.png",))


def test_image_that_is_carried_as_bytes_is_not_quoted():
    rows = pa.table({"row": ["h:0", "h:1"], "hash": ["x", "x"], "image": [b"\x89PNG", b"\x89PNG"], "label": ["a", "a"]})
    assert duplicates.find(rows, {"image": "image", "label": "label"}).before == (None,)


def test_empty_table_has_no_duplicates():
    assert len(duplicates.find(table("x").slice(0, 0), ROLES)) == 0


@pytest.mark.parametrize("one, other", [
    ("It was good.", "it was good"), ("well-known", "well known"), ("“quoted”", "'quoted'"), ("a\u00a0b", "a b"),
    ("a…b", "a...b"), ("\uff26\uff35\uff2c\uff2c", "full"), ("STRASSE", "straße"), ("e\u0301", "é"), ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("go\u200bod\x00", "good"), ("(see [1])", "see 1"), ("很好吃。", "很好吃\uff01"), ("a \t\n b", "A B"), ("fine :)", "fine :-)"),
    ("- item", "item"), ("-5 %", "(\u22125 %)"), ("wait — what?", "wait what"), ("don\u2019t", "don't"), (" x ", "x"),
])
def test_spellings_of_one_text_have_one_key(one, other):
    first, second = duplicates.keys(table(one, other), ROLES)
    assert first == second


@pytest.mark.parametrize("one, other", [
    ("C#", "C++"), ("C", "C#"), ("5.0", "50"), ("cafe", "café"), ("its", "it's"), ("good 👍", "good 👎"), ("很好", "不好"),
    ("fine :)", "fine :("), ("down -5 %", "down 5 %"), ("$5", "5"), ("5 %", "5"), ("@me", "#me"), (":)", ":("),
    ("!", "?"), ("...", ""), ("ab", "a b"), ("a/b", "a b"),
])
def test_different_texts_have_different_keys(one, other):
    first, second = duplicates.keys(table(one, other), ROLES)
    assert first != second


def test_text_of_punctuation_alone_is_its_own_key():
    questions, dots, empty, missing = duplicates.keys(table("?!", "...", "", None), ROLES)
    assert len({questions, dots, empty}) == 3
    assert missing == empty


def test_key_of_a_row_with_two_texts_keeps_them_apart():
    rows = table("a b", "a").append_column("second", pa.array(["c", "b c"]))
    first, second = duplicates.keys(rows, {"text": "text", "second": "text"})
    assert first != second
