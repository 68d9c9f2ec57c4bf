"""Sketches: equal bins tell the similarity, and texts that are similar enough meet, long or short."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from finetune.clean.near import jaccard, minhash

PAIRS = 300
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
WORDS = [f"word{number}" for number in range(3000)]


def drawn(size, similarity, pairs, seed):
    """Pairs of sets of hashes, both of `size`, side by side: shape (2, pairs, size); and how similar they are."""
    shared = round(2 * size * similarity / (1 + similarity))
    one, other = np.random.default_rng(seed).integers(2**64, size=(2, pairs, size), dtype=np.uint64)
    other[:, :shared] = one[:, :shared]
    return np.stack([one, other]), shared / (2 * size - shared)


@pytest.mark.parametrize("size", [2, 5, 16, minhash.FEW, minhash.FEW + 1, 130, 400, 3000])
@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.8, 0.95])
def test_bins_are_equal_as_often_as_sets_are_similar(size, similarity):
    sets, similarity = drawn(size, similarity, 1 + 40_000 // size, seed=size)
    one, other = (minhash.sketches(side.reshape(-1), np.full(len(side), size)) for side in sets)
    assert (one == other).mean() == pytest.approx(similarity, abs=0.02)


def grown(signs, between, length, seed):
    """Texts of so many signs, and each once more with as many added as a similarity of 0.8 bears."""
    chance = random.Random(seed)
    added = int(length / 4 - (9 / 8 if between else 27 / 8))
    texts = [chance.sample(signs, length + added) for _ in range(PAIRS)]
    return [between.join(text[:length]) for text in texts], [between.join(text) for text in texts]


@pytest.mark.parametrize(("signs", "between", "length"), [
    *((WORDS, " ", length) for length in (9, 13, 16, 24, 40, 100, 400)),
    *((HAN, "", length) for length in (18, 24, 40, 100, 400)),
])
def test_nearly_all_texts_that_are_just_similar_enough_meet(signs, between, length):
    texts, longer = grown(signs, between, length, seed=length)
    similar = jaccard.similarities(pa.chunked_array([texts + longer]), np.arange(PAIRS), np.arange(PAIRS, 2 * PAIRS))
    assert 0.8 <= similar.min() <= similar.max() <= 0.85
    keys = minhash.band_keys(pa.chunked_array([texts + longer]))
    assert (keys[:PAIRS] == keys[PAIRS:]).any(axis=1).mean() >= 0.99
    assert (keys[:PAIRS] == np.roll(keys[PAIRS:], 1, axis=0)).any(axis=1).mean() <= 0.01


def test_the_same_is_found_whether_few_shingles_are_asked_or_the_bins_are():
    hashes = np.random.default_rng(0).integers(2**64, size=(100, 30), dtype=np.uint64)
    few = minhash.sketches(hashes.reshape(-1), np.full(100, 30))
    many = minhash.sketches(np.tile(hashes, 3).reshape(-1), np.full(100, 90))
    assert minhash.FEW < 90
    assert np.array_equal(few, many)


def test_keys_of_a_row_do_not_depend_on_the_rows_beside_it():
    chance = random.Random(3)
    texts = [" ".join(chance.choices(WORDS, k=chance.choice([3, 9, 20, 60, 300, 2000]))) for _ in range(300)]
    texts += ["".join(chance.choices(HAN, k=50)), "", *["one word said ten times over and over again"] * 2]
    whole = minhash.band_keys(pa.chunked_array([texts[:100], texts[100:]]))
    alone = [minhash.band_keys(pa.chunked_array([[text]])) for text in texts]
    assert np.array_equal(whole, np.concatenate(alone))
    assert np.array_equal(whole[-1], whole[-2])
