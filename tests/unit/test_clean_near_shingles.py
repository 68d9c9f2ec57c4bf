"""Texts to hashed shingles."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from finetune.clean.near import shingles

ENGLISH = "the quick brown fox jumps over the lazy dog"
CHINESE = "\u8fd9\u5bb6\u9910\u5385\u7684\u5473\u9053\u975e\u5e38\u597d\uff0c\u670d\u52a1\u4e5f\u5f88\u5468\u5230\uff0c\u4e0b\u6b21\u8fd8\u4f1a\u518d\u6765"
THAI = "\u0e23\u0e49\u0e32\u0e19\u0e19\u0e35\u0e49\u0e2d\u0e32\u0e2b\u0e32\u0e23\u0e2d\u0e23\u0e48\u0e2d\u0e22\u0e21\u0e32\u0e01"


def sets(*texts):
    """The set of hashes of each text."""
    found = shingles.of_rows(pa.chunked_array([pa.array(texts, pa.string())]))
    return [set(part.tolist()) for part in np.split(found.hashes, found.ends)[:-1]]


def test_a_word_and_a_pair_of_words_each_are_a_shingle():
    (found,) = sets("a b c d e f g h")
    assert len(found) == 8 + 8  # the last word has the end as its neighbour


def test_words_of_one_spelling_have_one_hash_wherever_they_stand():
    one, other = sets("alpha beta gamma delta one two three four", "five six seven eight delta gamma beta alpha")
    assert len(one & other) == 4
    one, other = sets(ENGLISH, f"{ENGLISH} indeed")
    assert len(one & other) == len(one) - 1


@pytest.mark.parametrize("other", [
    "The QUICK brown fox; jumps (over) the lazy dog.", "the quick\nbrown   fox jumps\tover the lazy dog ", "\u201cthe quick\u201d brown "
    "fox jumps over the\u00a0lazy dog\u2026", "\uff54he quick brown fox jumps over the lazy dog",
])
def test_case_blanks_punctuation_and_unicode_form_count_for_nothing(other):
    one, found = sets(ENGLISH, other)
    assert one == found


@pytest.mark.parametrize("long", ["x" * 8, "x" * 9, "x" * 17, "x" * 300, "\u00fc" * 40])
def test_long_words_differ_where_their_ends_or_lengths_do(long):
    fill = "one two three four five six seven"
    one, longer, changed = sets(f"{fill} {long}", f"{fill} {long}x", f"{fill} {long[:-1]}y")
    assert len(one & longer) == len(one) - 3  # the word, and the two pairs that it stands in
    if len(long.encode()) <= shingles.MAX_UNIT:
        assert len(one & changed) == len(one) - 3


@pytest.mark.parametrize("text", [CHINESE, THAI])
def test_text_without_blanks_is_taken_by_characters(text):
    (found,) = sets(text)
    kept = text.replace("\uff0c", "")
    assert len(found) >= len(kept)


def test_a_row_of_another_script_leaves_its_neighbours_as_they_are():
    alone = sets(ENGLISH)[0]
    assert sets(CHINESE, ENGLISH, THAI)[1] == alone
    assert sets(ENGLISH, CHINESE)[1] == sets(CHINESE)[0]


def test_a_few_characters_of_another_script_do_not_make_a_text_unspaced():
    spaced, plain = sets(f"{ENGLISH} \u5317\u4eac", ENGLISH)
    assert len(spaced & plain) == len(plain) - 1


def test_short_texts_have_no_shingles():
    assert sets("one two three four five six seven", CHINESE[:15], "", None, "!!!") == [set()] * 5
    assert all(sets("one two three four five six seven eight", CHINESE))


def test_chunks_are_what_all_rows_at_once_are():
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(["ab", "c", "\u00e9t\u00e9", "\u5317\u4eac", "x" * 20], size=int(size))) for size in random.integers(0, 900, 600)]
    column = pa.chunked_array([texts[:250], texts[250:]])
    parts = list(shingles.chunks(column))
    assert len(parts) > 2
    whole = shingles.of_rows(column)
    assert np.array_equal(np.concatenate([part.hashes for part in parts]), whole.hashes)
    assert np.array_equal(np.concatenate([part.counts for part in parts]), whole.counts)


def test_hashes_of_many_words_do_not_collide():
    (found,) = sets(" ".join(f"w{i}" for i in range(100_000)))
    assert len(found) == 200_000
