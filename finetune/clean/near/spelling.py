"""The plain spelling by which texts are compared: one Unicode form, one case, single blanks, no punctuation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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

PIECE_BYTES = 2**18  # of text to be spelt at once: what it becomes on the way stays in the processor's cache

# ASCII needs none of this but where one of these stands; the rest of it goes through one table of bytes.
_SPECIAL = r"[\x00-\x08\x0e-\x1b\x7f]|[:;=]'?-?[()]|-\d"
_BLANKS = bytes(range(33)) + b".,;:!?'\"`()[]-"
_PLAIN = np.array([32 if code in _BLANKS else ord(chr(code).lower()) if code < 128 else code for code in range(256)],
                  np.uint8)


def plain(texts: pa.ChunkedArray) -> Any:
    """Every text in plain spelling, as one array of large strings; "" where it is missing or nothing is left."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.fill_null(texts.cast(pa.large_string()).combine_chunks(), "")
    special = pc.or_(pc.invert(pc.string_is_ascii(whole)), pc.match_substring_regex(whole, _SPECIAL))
    rows = pc.indices_nonzero(special)
    if len(rows):
        whole = pc.replace_with_mask(whole, special, _in_full(whole.take(rows)))
    data, offsets = rows_of(whole)
    kept, offsets = _with_single_blanks(_PLAIN[data], offsets)
    return pa.Array.from_buffers(pa.large_string(), len(whole), [None, pa.py_buffer(offsets), pa.py_buffer(kept)])


def rows_of(texts: pa.Array) -> tuple[Array, Array]:
    """The bytes of an array of large strings, and where in them each row begins and the last one ends."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset:texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0]:offsets[-1]]
    return data, offsets - offsets[0]


def _in_full(texts: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    spelt = pc.utf8_normalize(texts, form="NFKC")
    for pattern, replacement in SPELLINGS:
        spelt = pc.replace_substring_regex(spelt, pattern, replacement)
    return pa.array([text.casefold() for text in spelt.to_pylist()], pa.large_string())


def _with_single_blanks(data: Array, offsets: Array) -> tuple[Array, Array]:
    """Bytes and offsets of the rows without blanks at their ends and with one blank for every run of them."""
    shown = data != 32
    follows = np.zeros(len(data) + 1, bool)  # a blank stays where it follows what is shown, and a row goes on
    follows[1:] = shown
    follows[offsets] = False
    places = np.flatnonzero(shown | follows[:-1])
    ends = np.searchsorted(places, offsets)
    found = data[places]
    trailing = np.zeros(len(offsets) - 1, bool)
    if len(found):
        trailing = (np.diff(ends) > 0) & (found[ends[1:] - 1] == 32)
    if trailing.any():
        found = np.delete(found, ends[1:][trailing] - 1)
        ends = ends - np.concatenate(([0], np.cumsum(trailing)))
    return found, ends.astype(np.int64)
