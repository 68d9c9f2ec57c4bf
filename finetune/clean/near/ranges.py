"""Work cut into pieces that fit into memory, or better into the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

PIECE_BYTES = 2**19  # of text to be worked on at once: what it becomes on the way stays in the processor's cache

def ranges(sizes: Array, most: int) -> Iterator[tuple[int, int]]:
    """Consecutive ranges (start, end) over all entries whose sizes add up to about `most`, one entry at least."""
    place = np.cumsum(sizes) // most
    cuts = [0, *(np.flatnonzero(np.diff(place)) + 1).tolist(), len(sizes)]
    return pairwise(cuts if len(sizes) else [])


def num_bytes(texts: pa.ChunkedArray) -> Array:
    """The bytes of each text in UTF-8, 0 where it is missing."""
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(pc.binary_length(texts), 0).to_numpy(), np.int64)
