"""MinHash with banding: which texts may have nearly the same shingles, without comparing all with all.

Broder 1997 (the resemblance of documents) for the sketch, in one pass over the shingles: Li, Owen, Zhang 2012 (one
permutation hashing) and Shrivastava 2017 (optimal densification). Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", section 3.4, for the bands.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from finetune.clean.near import shingles
from finetune.clean.near.bands import ABSENT
from finetune.clean.near.ranges import ranges

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

# Two texts of similarity s meet in at least one band with probability 1 - (1 - s^6)^21: 0.998 at 0.8, 0.015 at 0.3.
# What meets is compared in full, so a band costs time but never truth.
NUM_BINS = 128  # a power of two: the last bits of a hash are its bin
NUM_BANDS = 21

FEW = 48  # shingles, up to which they are asked for the bins, and not the bins for theirs: either way gives the same
_EMPTY = np.uint32(2**32 - 1)
_BATCH = 2**17  # shingles and bins that are worked on at once, so that they stay in the processor's cache


def band_keys(texts: pa.ChunkedArray) -> Array:
    """One key per text and band, shape (texts, NUM_BANDS); texts of one key in one band may be near copies."""
    found = [_keys(chunk) for chunk in shingles.chunks(texts)]
    return np.concatenate(found) if found else np.zeros((0, NUM_BANDS), np.uint32)


def sketches(hashes: Array, counts: Array) -> Array:
    """The least hash in each bin, shape (rows, NUM_BINS), of rows that have so many of the hashes, at least one each.

    A bin that none falls into has that of another: of the first that is not empty in an order of its own. So any bin of
    two rows is equal as often as their sets are similar, however few hashes they have.
    """
    bins = (hashes & np.uint64(NUM_BINS - 1)).view(np.int64)
    own = np.full((len(counts), NUM_BINS), _EMPTY)
    cells = np.repeat(np.arange(0, own.size, NUM_BINS), counts)
    cells += bins
    np.minimum.at(own.reshape(-1), cells, (hashes >> np.uint64(32)).astype(np.uint32))
    filled, few = own.copy(), np.flatnonzero(counts <= FEW)
    if len(few):
        filled[few] = _filled(own[few], bins, starts=(np.cumsum(counts) - counts)[few], counts=counts[few])
    empty = np.flatnonzero(filled == _EMPTY)
    for turn in _orders()[1:]:
        if not len(empty):
            break
        place = empty & (NUM_BINS - 1)
        found = own.reshape(-1).take(empty - place + turn.take(place))
        filled.reshape(-1)[empty] = found
        empty = empty[found == _EMPTY]
    return filled


def _filled(own: Array, bins: Array, *, starts: Array, counts: Array) -> Array:
    """The same where most bins are empty: each shingle says at which turn it would be asked, and the first is taken."""
    turn = np.full(own.shape, NUM_BINS - 1, np.uint8)
    for place in range(counts.max()):
        np.minimum(turn, _turns().take(bins[starts + np.minimum(place, counts - 1)], axis=0), out=turn)
    asked = _orders().take(turn.astype(np.int64) * NUM_BINS + np.arange(NUM_BINS))
    return np.take_along_axis(own, asked, axis=1)


@functools.cache
def _orders() -> Array:
    """Whom each bin (a column) asks turn by turn: itself, then the others in an order drawn for it."""
    random = np.random.Generator(np.random.PCG64(0))
    others = random.permuted(np.tile(np.arange(1, NUM_BINS)[:, None], NUM_BINS), axis=0)
    return (np.concatenate([np.zeros((1, NUM_BINS), np.int64), others]) + np.arange(NUM_BINS)) % NUM_BINS


@functools.cache
def _turns() -> Array:
    """At which turn a bin (a row) is asked by each bin (a column)."""
    return np.argsort(_orders(), axis=0).astype(np.uint8)


def _keys(chunk: shingles.Shingles) -> Array:
    keys = np.full((len(chunk.ends), NUM_BANDS), ABSENT, np.uint32)
    judged = np.flatnonzero(chunk.counts)
    counts, end = chunk.counts[judged], 0
    for first, last in ranges(np.maximum(counts, NUM_BINS), _BATCH):
        start, end = end, end + counts[first:last].sum()
        keys[judged[first:last]] = _folded(sketches(chunk.hashes[start:end], counts[first:last]))
    return keys


def _folded(least: Array) -> Array:
    """The bins of each band in one number."""
    keys = np.zeros((len(least), NUM_BANDS), np.uint32)
    for first in range(0, NUM_BINS, NUM_BANDS):
        part = least[:, first:first + NUM_BANDS]
        band = keys[:, :part.shape[1]]
        band *= np.uint32(0x9E3779B1)
        band ^= part
        band ^= band >> np.uint32(15)
    return np.maximum(keys, np.uint32(ABSENT + 1))
