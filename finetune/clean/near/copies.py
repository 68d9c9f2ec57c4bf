"""What a copy is known by: the key of a row, and the small numbers that stand for keys where only equality counts.

Most rows have no copy, and that is cheap to see: rows whose letters weigh the same may be copies, others cannot. So
keys, which take the plain spelling and a hash of 16 bytes, are made of few rows. Arrow's dictionary numbers what is
equal, and all that is asked of copies afterwards is arithmetic with these numbers: no loop over rows, no strings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from finetune.clean import label_text, row_text
from finetune.clean.near.once import by_row
from finetune.clean.near.ranges import PIECE_BYTES, num_bytes, ranges
from finetune.clean.near.spelling import plain, weights
from finetune.clean.signs import rows_of, whole
from finetune.contracts import EITHER_ORDER

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array


MOST_TEXT = 2**27  # bytes of texts that are compared in memory


def keys(table: pa.Table, roles: Mapping[str, str]) -> Array:
    """The key of each row: 16 bytes, or of tables with nothing but pictures the letters of their hash."""
    return by_row(("keys", *roles.items()), table, lambda: _hashed(table, roles) if row_text.columns(roles)
                  else np.array(table["hash"].to_pylist(), bytes))


def numbered(tables: Sequence[pa.Table], roles: Mapping[str, str]) -> Array:
    """A number for the key of each row of the tables, which are numbered through; copies have the same."""
    import pyarrow as pa

    if not row_text.columns(roles):
        return codes([table["hash"] for table in tables])
    weight = codes([pa.array(_weights(table, roles)) for table in tables])
    shared = np.bincount(weight)[weight] > 1
    parts = np.split(shared, np.cumsum([table.num_rows for table in tables])[:-1])
    rows = [table.take(np.flatnonzero(part)) for table, part in zip(tables, parts, strict=True)]
    number = weight.copy()
    # Texts are numbered faster than they are hashed, where there is room for them.
    are_few = sum(of_table.nbytes for of_table in rows) < MOST_TEXT
    number[shared] = weight.max(initial=0) + 1 + codes(
        [pa.chunked_array(_compared(of_table, roles), pa.large_string()) for of_table in rows] if are_few
        else [pa.array(keys(of_table, roles).tolist(), pa.binary(16)) for of_table in rows])
    return number


def _weights(table: pa.Table, roles: Mapping[str, str]) -> Array:
    texts = row_text.by_column(table, roles)
    # Where one text may stand in another's place they count the same.
    factors = [1 if name in EITHER_ORDER else place for place, name in enumerate(texts, 1)]

    def made() -> Array:
        found = [np.zeros(0, np.uint32)]
        for start, end in ranges(np.sum([num_bytes(text) for text in texts.values()], axis=0), PIECE_BYTES):
            of_texts = [weights(text.slice(start, end - start)) for text in texts.values()]
            found.append(np.sum([np.uint32(factor) * of_one for factor, of_one in zip(factors, of_texts, strict=True)],
                                axis=0, dtype=np.uint32))
        return np.concatenate(found)

    return by_row(("weights", *roles.items()), table, made)


def codes(parts: Sequence[pa.Array | pa.ChunkedArray]) -> Array:
    """A number from 0 for each cell of the parts, which are numbered through; equal ones have the same, a null -1."""
    import pyarrow as pa

    whole = pa.chunked_array([chunk for part in parts for chunk in getattr(part, "chunks", [part])], parts[0].type)
    indices = [chunk.indices.fill_null(-1).to_numpy() for chunk in whole.dictionary_encode().chunks]
    return np.concatenate([np.zeros(0, np.int64), *indices])


def labels(table: pa.Table, columns: Mapping[str, str]) -> tuple[Array, Array]:
    """A number for the label of each row, and whether it has one; of several columns (name to kind) all of them."""
    of_columns = [codes([label_text.as_text(table[name], kind)]) for name, kind in columns.items()]
    none = np.zeros(table.num_rows, np.int64)
    return joined(none, *of_columns), np.min([none, *of_columns], axis=0) == 0


def joined(*numbers: Array) -> Array:
    """One number per row in place of several, each at least -1: equal where all of them are."""
    import pyarrow as pa

    whole = numbers[0]
    for more in numbers[1:]:
        if len(more) and more.min() == more.max():
            continue  # it tells no row from another
        whole = whole * (more.max(initial=0) + 2) + more + 1
    return codes([pa.array(whole)])


def firsts(number: Array, *, among: Array | None = None) -> Array:
    """For each number from 0, the first row that has it, of those that a mask lets count; -1 where there is none."""
    rows = np.arange(len(number)) if among is None else np.flatnonzero(among)
    first = np.full(number.max(initial=-1) + 1, -1)
    first[number[rows[::-1]]] = rows[::-1]  # of what is written to one place, the last stays
    return first


def in_order(texts: Mapping[str, pa.Array]) -> list[pa.Array]:
    """The texts of each row by role; of two whose order does not matter, that of the alphabet."""
    import pyarrow.compute as pc

    found = dict(texts)
    if set(EITHER_ORDER) <= set(texts):
        one, other = (texts[role] for role in EITHER_ORDER)
        is_later = pc.greater(one, other)
        found |= zip(EITHER_ORDER, (pc.if_else(is_later, other, one), pc.if_else(is_later, one, other)), strict=True)
    return list(found.values())


def _hashed(table: pa.Table, roles: Mapping[str, str]) -> Array:
    found = bytearray()
    for piece in _compared(table, roles):
        data, offsets = rows_of(piece)
        cells = data.tobytes()
        found += b"".join([blake2b(cells[a:b], digest_size=16).digest() for a, b in pairwise(offsets.tolist())])
    return np.frombuffer(found, "V16")


def _compared(table: pa.Table, roles: Mapping[str, str]) -> Iterator[pa.Array]:
    """Piece by piece what rows are compared by: their plain texts, and with pictures the hash."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = row_text.by_column(table, roles)
    between = pa.scalar("\x1f", pa.large_string())
    for start, end in ranges(np.sum([num_bytes(text) for text in texts.values()], axis=0), PIECE_BYTES):
        parts = in_order({name: _spelt(text.slice(start, end - start)) for name, text in texts.items()})
        if "image" in roles.values():
            parts.append(table["hash"].slice(start, end - start).combine_chunks().cast(parts[0].type))
        yield parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, between)


def _spelt(texts: pa.ChunkedArray) -> pa.Array:
    import pyarrow.compute as pc

    spelt = plain(texts)
    empty = pc.equal(pc.binary_length(spelt), 0)
    raw = pc.fill_null(whole(texts), "")
    return pc.if_else(empty, raw, spelt) if pc.any(empty).as_py() else spelt
