"""Sketches to pairs: rows that share a band key may be alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finetune.clean.near.equal import repeated

if TYPE_CHECKING:
    from finetune.contracts import Array

ABSENT = 0  # the key, in every band, of a row that is not judged

# In a bucket of at most so many rows all are paired. In a fuller one each row is paired with the first and with the
# one before it, which joins a bucket of true copies all the same and keeps the number of pairs linear in the rows.
FULL = 16


def candidates(keys: Array) -> tuple[Array, Array]:
    """Pairs of rows with an equal key in at least one band (a row of `keys`), each once, the earlier row first."""
    pairs = np.zeros(0, np.uint64)
    for band in keys:
        pairs = distinct(np.concatenate([pairs, _of_band(band)]))
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(2**32 - 1)).astype(np.int64)


def distinct(numbers: Array) -> Array:
    """Sorted, each once; faster on numbers that differ than `np.unique`, which hashes them (numpy 2.4)."""
    numbers = np.sort(numbers)
    return numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if len(numbers) else numbers


def _of_band(band: Array) -> Array:
    """Pairs of one band, packed as earlier row * 2^32 + later row."""
    judged = np.flatnonzero(band != ABSENT)
    rows = judged[repeated(band[judged])].astype(np.uint64)  # most keys are met once and make no pair
    order = np.sort(band[rows].astype(np.uint64) << np.uint64(32) | rows)
    key, rows = order >> np.uint64(32), order & np.uint64(2**32 - 1)
    begins = np.flatnonzero(np.diff(key, prepend=key[:1] + np.uint64(1)))
    sizes = np.diff(begins, append=len(key))
    crowded = np.repeat(sizes > FULL, sizes)
    first = np.repeat(begins, sizes)
    place = np.arange(len(key)) - first
    later = np.flatnonzero(crowded & (place > 1))
    found = [_packed(rows[first[later]], rows[later])]
    for back in range(1, FULL):
        later = np.flatnonzero((place >= back) & (~crowded | (back == 1)))
        if not len(later):
            break
        found.append(_packed(rows[later - back], rows[later]))
    return np.concatenate(found)


def _packed(earlier: Array, later: Array) -> Array:
    return earlier << np.uint64(32) | later
