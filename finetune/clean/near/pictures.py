"""Pictures that look alike: re-encoded, resized, lightly cropped or mirrored copies.

A picture's look is the low end of its cosine transform, as in perceptual hashing (Zauner 2010): enough to know a copy
by, and blind to what encoding and scaling change. Where a perceptual hash keeps one bit of each number, the numbers
are kept, so that candidates can be proven without a second look at the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from finetune.clean.near import bands
from finetune.clean.near.likeness import CHROMA, LUMA, SIDE, SIZE, mirror, waves
from finetune.data.images import glance
from finetune.machine import cores

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

# Smaller pictures (icons, digits of 8 x 8 or 28 x 28) have too few pixels to tell a copy from a relative.
MIN_SIDE = 32
MIN_CONTRAST = 2.0  # grey levels of standard deviation; a blank page is not a copy of every other blank page
# Measured on public sets of blood cells, street scenes and small photographs: of copies cropped by 3 % on every side
# 95 to 100 in a hundred reach it (by 5 %: 9 to 89), of two million pairs of different pictures none does.
MIN_SIMILARITY = 0.97
# Without colour there is less to tell pictures apart by: of 4.5 million pairs of different digits of 64 x 64 pixels
# 2,734 reach 0.97 and 10 reach this, as do all copies of digits, cropped by 3 % or not.
MIN_GREY_SIMILARITY = 0.994
MAX_GREY = 1e-4  # energy of colour, where that of brightness is 1

NUM_BANDS = 48
_BATCH = 1024
_AT_ONCE = 32  # pictures that a thread takes at a time
_KEPT = 200_000  # of half a kilobyte each
Known = tuple[Any, str | None]  # a look, and why the picture cannot be read
_KNOWN: dict[str, Known] = {}  # by the hash of the encoded picture


class Seen(NamedTuple):
    """What decoding every picture once tells of them."""

    looks: Array  # float16, shape (pictures, SIZE); zeros where one is too small, has no contrast, or is not readable
    reasons: list[str | None]  # why one cannot be read


def seen(table: pa.Table, column: str) -> Seen:
    """What the pictures of a column look like, or why they cannot be read.

    No picture is decoded twice in a process, whatever tables its row is in, as long as `_KEPT` is not reached.
    """
    marks, cells = table["hash"].to_pylist(), table[column].to_pylist()
    known = {mark: _KNOWN[mark] for mark in marks if mark in _KNOWN}
    fresh = {mark: cell for mark, cell in zip(marks, cells, strict=True) if mark not in known}
    values = list(fresh.values())
    with ThreadPoolExecutor(min(4, cores())) as pool:
        parts = pool.map(_looked_at, (values[start:start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE)))
        known |= zip(fresh, (each for part in parts for each in part), strict=True)
    for mark in list(fresh)[:_KEPT - len(_KNOWN)]:
        _KNOWN[mark] = known[mark]
    looks = np.stack([known[mark][0] for mark in marks]) if marks else np.zeros((0, SIZE), np.float16)
    return Seen(looks, [known[mark][1] for mark in marks])


def candidates(looks: Array) -> tuple[Array, Array]:
    """Pairs of pictures that may be near copies of each other, or of each other's mirror image, the earlier first."""
    if not len(looks):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    left, right = bands.candidates(_band_keys(looks))
    ends = np.sort(np.stack([left, right]) % len(looks), axis=0)
    packed = np.unique(ends[0, ends[0] != ends[1]] * len(looks) + ends[1, ends[0] != ends[1]])
    return packed // len(looks), packed % len(looks)


def are_copies(looks: Array, left: Array, right: Array, *, similarity: Array) -> Array:
    """Which of these pairs are similar enough, as a mask; grey pictures have to be more so."""
    grey = np.square(looks[:, LUMA**2 - 1:].astype(np.float32)).sum(1) < MAX_GREY
    return np.asarray(similarity >= np.where(grey[left] | grey[right], MIN_GREY_SIMILARITY, MIN_SIMILARITY))


def _looked_at(cells: Sequence[str | bytes]) -> list[Known]:
    """Look, and why it cannot be read, of each picture: brightness and colour at SIDE x SIDE, transformed."""
    from PIL import Image

    found = np.full((len(cells), SIDE, SIDE, 3), 128, np.uint8)  # grey where a picture is too small to be judged
    reasons: list[str | None] = []
    for pixels, cell in zip(found, cells, strict=True):
        picture = glance(cell, 3 * SIDE // 2, "YCbCr")
        reasons.append(picture if isinstance(picture, str) else None)
        if not isinstance(picture, str) and min(picture.size) >= MIN_SIDE:
            pixels[:] = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX))
    return list(zip(_transformed(found), reasons, strict=True))


def _transformed(pixels: Array) -> Array:
    """Low frequencies of pictures (pictures, SIDE, SIDE, 3), scaled so that brightness has length one."""
    basis = waves()
    planes = np.moveaxis(pixels, 3, 1).astype(np.float32) - 128
    low = basis @ planes @ basis.T
    luma = low[:, 0].reshape(len(low), -1)[:, 1:]  # without the mean, which brightening changes
    chroma = low[:, 1:, :CHROMA, :CHROMA].reshape(len(low), -1)
    length = np.linalg.norm(luma, axis=1, keepdims=True)
    seen = length > MIN_CONTRAST * SIDE
    return np.where(seen, np.concatenate([luma, chroma], axis=1) / np.maximum(length, 1e-6), 0).astype(np.float16)


def _band_keys(looks: Array) -> Array:
    """The sides of random planes on which the brightness lies (Charikar 2002), as many to a band as rows ask for.

    Shape (NUM_BANDS, 2 * pictures): as they are, then mirrored. Two pictures of cosine 0.95 (0.9) meet with probability
    0.9999 (0.98) among 20,000, 0.995 (0.85) among a million.
    """
    num_bits = max(8, int(np.log2(len(looks))) + 2)
    random = np.random.Generator(np.random.PCG64(2))
    planes = random.standard_normal((NUM_BANDS, LUMA**2 - 1, num_bits), np.float32)
    bits = np.uint32(1) << np.arange(num_bits, dtype=np.uint32)
    keys = np.full((NUM_BANDS, 2 * len(looks)), bands.ABSENT, np.uint32)
    for start in range(0, len(looks), _BATCH):
        for offset, turned in ((0, np.float16(1)), (len(looks), mirror())):
            luma = (looks[start:start + _BATCH] * turned)[:, :LUMA**2 - 1].astype(np.float32)
            sides = (luma @ planes > 0) @ bits + np.uint32(bands.ABSENT + 1)
            keys[:, offset + start:offset + start + len(luma)] = np.where(luma.any(axis=1), sides, bands.ABSENT)
    return keys
