"""Rows that hold a sign: a look at the bytes of all rows leaves few for an expression, which takes far more work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from finetune.clean.near.ranges import PIECE_BYTES, num_bytes, ranges

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array


def matches(texts: pa.ChunkedArray, pattern: str, marked: Callable[[Array, Array], Array]) -> Array:
    """The rows in which an expression (RE2) is found, which only texts with a marked byte can hold.

    Marked is what a mask is true of, made over the bytes of some rows, given where these begin and the last one ends.
    """
    import pyarrow.compute as pc

    found = [np.zeros(0, np.int64)]
    for start, end in ranges(num_bytes(texts), PIECE_BYTES):
        piece = whole(texts.slice(start, end - start))
        data, offsets = rows_of(piece)
        mask = marked(data, offsets)
        if mask.any():
            rows = np.flatnonzero(offsets[:-1] < offsets[1:])
            rows = rows[np.logical_or.reduceat(mask, offsets[rows])]
            found.append(start + rows[pc.indices_nonzero(pc.match_substring_regex(piece.take(rows), pattern))])
    return np.concatenate(found)


def beyond_ascii(data: Array, _: Array) -> Array:
    """A mask of the bytes that are not of ASCII."""
    return data > 127


def whole(texts: pa.ChunkedArray) -> pa.Array:
    """The texts as one array of large strings; of one chunk nothing is copied, as Arrow (26.0) would."""
    import pyarrow as pa

    texts = texts.cast(pa.large_string())
    return texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks()


def rows_of(texts: pa.Array) -> tuple[Array, Array]:
    """The bytes of an array of large strings, and where in them each row begins and the last one ends."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset:texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0]:offsets[-1]]
    return data, offsets - offsets[0]
