"""Which script a text is written in, by the Unicode blocks of its letters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

# Blocks of letters, first and last code point; signs, digits, accents and emoji belong to no script.
BLOCKS = (
    ("Latin", ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF), (0xFF21, 0xFF5A))),
    ("Greek", ((0x370, 0x3FF), (0x1F00, 0x1FFF))), ("Cyrillic", ((0x400, 0x52F),)), ("Armenian", ((0x530, 0x58F),)),
    ("Hebrew", ((0x590, 0x5FF),)), ("Arabic", ((0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE))),
    ("Devanagari", ((0x900, 0x97F),)), ("Bengali", ((0x980, 0x9FF),)), ("Gurmukhi", ((0xA00, 0xA7F),)),
    ("Gujarati", ((0xA80, 0xAFF),)), ("Tamil", ((0xB80, 0xBFF),)), ("Telugu", ((0xC00, 0xC7F),)),
    ("Kannada", ((0xC80, 0xCFF),)), ("Malayalam", ((0xD00, 0xD7F),)), ("Sinhala", ((0xD80, 0xDFF),)),
    ("Thai", ((0xE00, 0xE7F),)), ("Lao", ((0xE80, 0xEFF),)), ("Burmese", ((0x1000, 0x109F),)),
    ("Georgian", ((0x10A0, 0x10FF),)), ("Ethiopic", ((0x1200, 0x137F),)), ("Khmer", ((0x1780, 0x17FF),)),
    ("Korean", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3))),
    ("Japanese", ((0x3041, 0x309F), (0x30A0, 0x30FF), (0xFF66, 0xFF9F))),
    ("Chinese", ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))),
)
NAMES = ("", *(name for name, _ in BLOCKS))
CHUNK = 20_000  # rows whose code points are held at once


def scripts(texts: pa.Array | pa.ChunkedArray) -> tuple[Array, Array]:
    """Position in NAMES of the script of each text, 0 where there is none; and how many letters of it the text has.

    A text with at least a fifth of Japanese syllables among its Chinese characters is Japanese.
    """
    import numpy as np
    import pyarrow.compute as pc

    # ASCII is Latin or nothing, and most rows of most data sets are ASCII; they are counted as long as they are.
    script = np.asarray(pc.match_substring_regex(texts, "[A-Za-z]").fill_null(False)).astype(np.int64)
    letters = np.asarray(pc.binary_length(texts).fill_null(0), dtype=np.int64)
    rest = np.asarray(pc.indices_nonzero(pc.match_substring_regex(texts, "[^[:ascii:]]")))
    for start in range(0, len(rest), CHUNK):
        rows = rest[start : start + CHUNK]
        script[rows], letters[rows] = _counted(texts.take(rows).to_pylist())
    return script, np.where(script > 0, letters, 0)


def _counted(texts: Sequence[str]) -> tuple[Array, Array]:
    import numpy as np

    points = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    cells = rows * len(NAMES) + _table()[points]
    counts = np.bincount(cells, minlength=len(texts) * len(NAMES)).reshape(len(texts), len(NAMES))
    counts[:, 0] = 0
    kana, han = NAMES.index("Japanese"), NAMES.index("Chinese")
    japanese = counts[:, kana] * 4 >= np.maximum(counts[:, han], 1)
    counts[japanese, kana] += counts[japanese, han]
    counts[japanese, han] = 0
    script = counts.argmax(axis=1)
    return script, counts[np.arange(len(texts)), script]


@cache
def _table() -> Array:
    """Script of every code point."""
    import numpy as np

    table = np.zeros(0x110000, dtype=np.uint8)
    for number, (_, blocks) in enumerate(BLOCKS, start=1):
        for first, last in blocks:
            table[first : last + 1] = number
    table[[0xD7, 0xF7]] = 0  # the signs of multiplication and division
    return table
