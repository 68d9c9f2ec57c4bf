"""The proof of a pair: the true Jaccard similarity of two texts' shingle sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finetune.clean.near import shingles
from finetune.clean.near.equal import twins
from finetune.clean.near.ranges import num_bytes, ranges

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

MIN_SIMILARITY = 0.8

_BLOCK_BYTES = 2**19  # of text that is compared at once, so that it stays in the processor's cache


def similarities(texts: pa.ChunkedArray, left: Array, right: Array) -> Array:
    """The Jaccard similarity of texts `left[i]` and `right[i]`, 0 to 1, as float32; 0 where one is too short."""
    sizes = num_bytes(texts)
    blocks = [_of_block(texts, left[start:end], right[start:end])
              for start, end in ranges(sizes[left] + sizes[right], _BLOCK_BYTES)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _of_block(texts: pa.ChunkedArray, left: Array, right: Array) -> Array:
    rows, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    sets = shingles.of_rows(texts.take(rows))
    number = np.tile(np.arange(len(left)), 2)
    counts = sets.counts[places]
    member = np.repeat(sets.ends[places] - np.cumsum(counts), counts) + np.arange(counts.sum())
    pair = np.repeat(number, counts)
    # What a text says twice, and what both say, has one twin among all that its pair says: 40 bits of a hash tell it.
    shingle = twins(pair.astype(np.uint64) << np.uint64(40) | sets.hashes[member] >> np.uint64(24))
    of_left = counts[:len(left)].sum()
    has = np.zeros((2, len(pair)), bool)
    has[0, shingle[:of_left]] = has[1, shingle[of_left:]] = True
    either, both = (np.bincount(pair[mask], minlength=len(left)) for mask in (has[0] | has[1], has[0] & has[1]))
    return np.asarray(both / np.maximum(either, 1), np.float32)
