"""The proof of a pair: the true Jaccard similarity of two texts' shingle sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finetune.clean.near import shingles
from finetune.clean.near.bands import distinct
from finetune.clean.near.ranges import num_bytes, ranges

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

MIN_SIMILARITY = 0.8

_BLOCK_BYTES = 2**20  # of text that is compared at once


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
    # The number of the pair, 40 bits of the hash, the side: sorted, what both texts have stands side by side.
    side = np.repeat(np.arange(2, dtype=np.uint64), [counts[:len(left)].sum(), counts[len(left):].sum()])
    tagged = distinct(np.repeat(number, counts).astype(np.uint64) << np.uint64(41)
                      | sets.hashes[member] >> np.uint64(24) << np.uint64(1) | side)
    pair, shingle = (tagged >> np.uint64(41)).astype(np.int64), tagged >> np.uint64(1)
    both = np.bincount(pair, minlength=len(left))
    shared = np.bincount(pair[1:][shingle[1:] == shingle[:-1]], minlength=len(left))
    return np.asarray(shared / np.maximum(both - shared, 1), np.float32)
