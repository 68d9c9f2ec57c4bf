"""The plain spelling by which texts are compared: one Unicode form, one case, single blanks, no punctuation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.clean.signs import rows_of, whole
from finetune.clean.whitespace import UNSEEN, arrow_pattern

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

# Applied in this order after NFKC; patterns are RE2. A smiley and a minus sign are made of punctuation but carry
# meaning ("fine :)" against "fine :(", "-5 %" against "5 %"), so they become a symbol before punctuation goes.
SPELLINGS = (
    (arrow_pattern(f"[{UNSEEN}]+"), ""),
    (r"[:;=]'?-?\)", "\u263a"),
    (r"[:;=]'?-?\(", "\u2639"),
    (r"(^|[\pZ(])[-\x{2212}](\pN)", "\\1\u2212\\2"),
    (r"[.,;:!?'\"`()\[\]\p{Pd}\p{Pi}\p{Pf}\x{201A}\x{201E}\x{3001}\x{3002}\x{300C}-\x{300F}]", " "),
    (r"[\pZ\p{Cc}]+", " "),
)

# ASCII needs none of this but for control characters, smileys and minus signs; the rest of it goes through one table.
_BLANKS = bytes(range(33)) + b".,;:!?'\"`()[]-"
_PLAIN = bytes(32 if code in _BLANKS else ord(chr(code).lower()) if code < 128 else code for code in range(256))
_WEIGHTS = np.random.Generator(np.random.PCG64(0)).integers(2**32, size=256, dtype=np.uint32)[list(_PLAIN)]
_WEIGHTS[[code for code in range(256) if _PLAIN[code] == 32]] = 0
_PAIRS = (_WEIGHTS[:, None] + _WEIGHTS).ravel()  # of two bytes that are looked up at once

# Which rows need more is told by a look at some bytes and those before them, through another table: ALONE marks what
# ASCII text has not, and of two bytes that count together the second has the bit above a bit of the first.
_ALONE, _NOSE, _MOUTH, _MINUS, _DIGIT = 0x80, 0x01, 0x02, 0x10, 0x20
_SIGNS = np.array([
    _ALONE if code > 126 or code < 9 or 13 < code < 28 else (code in b":;='-") * _NOSE + (code in b"()") * _MOUTH
    + (code == ord("-")) * _MINUS + (code in b"0123456789") * _DIGIT for code in range(256)], np.uint8)


def plain(texts: pa.ChunkedArray) -> Any:
    """Every text in plain spelling, as one array of large strings; "" where it is missing or nothing is left."""
    return with_single_blanks(*spelt(texts))


def spelt(texts: pa.ChunkedArray) -> tuple[Array, Array]:
    """The bytes of all rows in plain spelling but for runs of blanks, and where rows begin and the last one ends."""
    data, offsets = _ready(texts)
    return np.frombuffer(data.tobytes().translate(_PLAIN), np.uint8), offsets


def weights(texts: pa.ChunkedArray) -> Array:
    """A number for each text, the same wherever plain spelling is the same, and nearly nowhere else.

    The sum of a number for each letter: blanks weigh nothing, so they need not be found, and no plain text is made.
    """
    data, offsets = _ready(texts)
    sums = np.zeros(len(data) // 2 + 1, np.uint32)
    np.cumsum(np.take(_PAIRS, data[: len(data) // 2 * 2].view(np.uint16)), dtype=np.uint32, out=sums[1:])
    upto = sums[offsets // 2]  # all bytes before a row, and where these are odd in number the last one more
    odd = np.flatnonzero(offsets % 2)
    upto[odd] += _WEIGHTS[data[offsets[odd] - 1]]
    return np.diff(upto)


def _ready(texts: pa.ChunkedArray) -> tuple[Array, Array]:
    """Bytes and offsets of texts for which the table of plain letters is all that is left to do."""
    import pyarrow.compute as pc

    filled = pc.fill_null(whole(texts), "")
    data, offsets = rows_of(filled)
    rows = _beyond_ascii(data, offsets)
    if not len(rows):
        return data, offsets
    special = np.zeros(len(filled), bool)
    special[rows] = True
    return rows_of(pc.replace_with_mask(filled, special, _in_full(filled.take(rows))))


def _beyond_ascii(data: Array, offsets: Array) -> Array:
    """The rows for which a table of bytes will not do, and maybe some more."""
    # Few bytes can be such, or the second of two: control characters, brackets, and after a minus the digit.
    rare = np.flatnonzero((data - np.uint8(32) > 94) | (data >> 1 == ord("(") >> 1))
    after = np.flatnonzero(data[:-1] == ord("-")) + 1
    places = np.concatenate([rare, after])
    signs = _SIGNS[data[places]]
    found = signs & _ALONE | signs >> 1 & np.where(places > 0, _SIGNS[data[places - 1]], 0)
    return np.unique(np.searchsorted(offsets, places[found != 0], "right") - 1)


def _in_full(texts: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    spelt = pc.utf8_normalize(texts, form="NFKC")
    for pattern, replacement in SPELLINGS:
        spelt = pc.replace_substring_regex(spelt, pattern, replacement)
    return pa.array([text.casefold() for text in spelt.to_pylist()], pa.large_string())


def with_single_blanks(data: Array, offsets: Array) -> Any:
    """The rows as one array of large strings, without blanks at their ends and with one blank for every run of them.

    Of a run the last blank stays, where it has letters of its row on both sides. Blanks are few beside letters, so
    all is told by their places.
    """
    import pyarrow as pa

    blanks = np.flatnonzero(data == 32)
    begins = np.zeros(len(data) + 1, bool)
    begins[offsets] = True
    gone = begins[blanks + 1]
    gone[:-1] |= np.diff(blanks) == 1
    last = np.flatnonzero(~gone)  # blank of every run, where letters of the row follow
    if len(last):
        leading = np.flatnonzero(begins[blanks])
        ahead = last[np.minimum(np.searchsorted(last, leading), len(last) - 1)]
        gone[ahead[ahead - leading == blanks[ahead] - blanks[leading]]] = True
    lost = blanks[gone]
    if len(lost):
        kept = np.ones(len(data), bool)
        kept[lost] = False
        data, offsets = data[kept], offsets - np.searchsorted(lost, offsets)
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
