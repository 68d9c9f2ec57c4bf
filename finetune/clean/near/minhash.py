"""MinHash with banding: which texts may have nearly the same shingles, without comparing all with all.

Broder 1997 (the resemblance of documents) for the sketch; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets",
section 3.4, for the bands.
"""

from __future__ import annotations

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
NUM_PERMUTATIONS = 128
NUM_BANDS = 21

_BATCH = 2**16  # shingles that are permuted at once, so that they stay in the processor's cache


def band_keys(texts: pa.ChunkedArray) -> Array:
    """One key per band and text, shape (NUM_BANDS, texts); texts of one key in one band may be near copies."""
    found = [_keys(chunk) for chunk in shingles.chunks(texts)]
    return np.concatenate(found, axis=1) if found else np.zeros((NUM_BANDS, 0), np.uint32)


def _keys(chunk: shingles.Shingles) -> Array:
    keys = np.full((NUM_BANDS, len(chunk.ends)), ABSENT, np.uint32)
    judged = np.flatnonzero(chunk.counts)
    starts = (chunk.ends - chunk.counts)[judged]
    short = (chunk.hashes >> np.uint64(32)).astype(np.uint32)
    for first, last in ranges(chunk.counts[judged], _BATCH):
        begin = starts[first]
        end = starts[last] if last < len(judged) else len(short)
        keys[:, judged[first:last]] = _permuted(short[begin:end], starts[first:last] - begin)
    return keys


def _permuted(hashes: Array, starts: Array) -> Array:
    """The band keys of the runs that begin at `starts`: per permutation the least hash, folded band by band."""
    random = np.random.Generator(np.random.PCG64(0))
    factors = random.integers(2**32, size=NUM_PERMUTATIONS, dtype=np.uint32) | np.uint32(1)
    shifts = random.integers(2**32, size=NUM_PERMUTATIONS, dtype=np.uint32)
    permuted, least = np.empty_like(hashes), np.empty((NUM_PERMUTATIONS, len(starts)), np.uint32)
    for number, (factor, shift) in enumerate(zip(factors, shifts, strict=True)):
        np.multiply(hashes, factor, out=permuted)
        np.add(permuted, shift, out=permuted)
        np.minimum.reduceat(permuted, starts, out=least[number])
    keys = np.zeros((NUM_BANDS, len(starts)), np.uint32)
    for first in range(0, NUM_PERMUTATIONS, NUM_BANDS):
        part = least[first:first + NUM_BANDS]
        band = keys[:len(part)]
        band *= np.uint32(0x9E3779B1)
        band ^= part
        band ^= band >> np.uint32(15)
    return np.maximum(keys, np.uint32(ABSENT + 1))
