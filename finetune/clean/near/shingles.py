"""Texts to sets of hashed shingles, for many rows at once and without a Python step per word.

A shingle of spaced text is a word, or a word with its successor. Chinese, Japanese, Thai and their like put no blanks
between words: there it is two, or three, characters in a row. Single words make the set forgiving where texts are
short, pairs make it mind their order. Case, Unicode form and punctuation count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.clean.near.ranges import PIECE_BYTES, num_bytes, ranges
from finetune.clean.near.spelling import spelt, with_single_blanks
from finetune.clean.signs import rows_of

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

# One changed word of eight, or character of sixteen, moves the similarity by a quarter: too coarse to judge by.
MIN_WORDS = 8
MIN_CHARACTERS = 16
MAX_UNIT = 256  # bytes of one word that are looked at

# Scripts whose words stand side by side. The shingles of a row are characters where at least half of it is of these.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"


@dataclass(frozen=True, slots=True)
class Shingles:
    """The shingles of some rows: `hashes[ends[r - 1]:ends[r]]` are those of row r, in the order of its text.

    A row that is too short to be judged has none. A shingle that occurs twice is there twice.
    """

    hashes: Array  # uint64
    ends: Array  # one per row

    @property
    def counts(self) -> Array:
        """How many shingles each row has."""
        return np.diff(self.ends, prepend=0)


def chunks(texts: pa.ChunkedArray) -> Iterator[Shingles]:
    """The shingles of consecutive rows, about PIECE_BYTES of text at a time; a missing text has none."""
    for start, end in ranges(num_bytes(texts), PIECE_BYTES):
        yield of_rows(texts.slice(start, end - start))


def of_rows(texts: pa.ChunkedArray) -> Shingles:
    """The shingles of all rows at once; memory grows with the text."""
    data, offsets = spelt(texts)
    unspaced = _unspaced(data, offsets)
    starts, lengths = _units(data, offsets, unspaced)
    ends = np.searchsorted(starts, offsets[1:])
    counts = np.diff(ends, prepend=0)
    units = _hashed(data, starts, lengths)
    hashes = _combined(units, ends=ends, unspaced=np.repeat(unspaced, counts))
    enough = counts >= np.where(unspaced, MIN_CHARACTERS, MIN_WORDS)
    if not enough.all():
        hashes = hashes[np.repeat(enough, counts)]
        counts = np.where(enough, counts, 0)
    return Shingles(hashes.reshape(-1), 2 * np.cumsum(counts))


def _unspaced(data: Array, offsets: Array) -> Array:
    """Which rows are unspaced."""
    import pyarrow as pa
    import pyarrow.compute as pc

    unspaced = np.zeros(len(offsets) - 1, bool)
    if not (data > 127).any():
        return unspaced
    texts = pa.Array.from_buffers(pa.large_string(), len(unspaced), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    others = pc.indices_nonzero(pc.invert(pc.string_is_ascii(texts)))
    wide_texts = with_single_blanks(*rows_of(texts.take(others)))
    wide = pc.count_substring_regex(wide_texts, UNSPACED)
    unspaced[others.to_numpy()] = 2 * wide.to_numpy() >= pc.utf8_length(wide_texts).to_numpy()
    return unspaced


def _units(data: Array, offsets: Array, unspaced: Array) -> tuple[Array, Array]:
    """Where words, or in unspaced rows characters, begin, and their bytes."""
    solid = np.append(data != ord(" "), False)
    begins = solid.copy()
    begins[1:] &= ~solid[:-1]
    begins[offsets] = solid[offsets]
    if unspaced.any():
        begins[:-1] |= solid[:-1] & np.repeat(unspaced, np.diff(offsets)) & ((data & 0xC0) != 0x80)
    ends = solid[:-1] & (begins[1:] | ~solid[1:])
    starts = np.flatnonzero(begins)
    return starts, np.flatnonzero(ends) + 1 - starts


def _hashed(data: Array, starts: Array, lengths: Array) -> Array:
    """A 64-bit hash of every unit, eight bytes at a time; of a longer one the first MAX_UNIT bytes and its length."""
    padded = np.concatenate([data, np.zeros(8, np.uint8)])
    eights = np.ndarray((len(data),), "<u8", padded.data, strides=(1,))  # the eight bytes from each byte onwards
    masks = np.array([2 ** (8 * size) - 1 for size in range(9)], np.uint64)
    hashes: Array = _mixed(eights[starts] & masks[np.minimum(lengths, 8)])
    for done in range(8, MAX_UNIT, 8):
        longer = np.flatnonzero(lengths > done)
        if not len(longer):
            break
        left = lengths[longer] - done
        part = eights[starts[longer] + done] & masks[np.minimum(left, 8)]
        hashes[longer] = _mixed(hashes[longer] * np.uint64(0x9E3779B97F4A7C15) + part + left.astype(np.uint64))
    return hashes


def _combined(units: Array, *, ends: Array, unspaced: Array) -> Array:
    """Two shingles per unit: word and pair, or pair and triple of characters; after the last unit comes a zero."""
    second = _next(units, ends)
    pairs = _mixed(units * np.uint64(0xD6E8FEB86659FD93) + second)
    if not unspaced.any():
        return np.stack([units, pairs], axis=1)
    triples = _mixed(pairs * np.uint64(0xCA5A826395121157) + _next(second, ends))
    return np.stack([np.where(unspaced, pairs, units), np.where(unspaced, triples, pairs)], axis=1)


def _next(units: Array, ends: Array) -> Array:
    following = np.zeros_like(units)
    following[:-1] = units[1:]
    following[ends[ends > 0] - 1] = 0
    return following


def _mixed(hashes: Any) -> Any:
    """Every bit of the input moves every bit of the output (the finalizer of SplitMix64, Steele and others 2014)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
