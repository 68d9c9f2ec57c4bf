"""Copies of a row, and the key by which all of cleaning and splitting knows a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 60
kinds: tuple[str, ...] = ("text", "image")
default = "drop"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Copies of a former row with the same label; the first one stays and is named in the reason.

    Copies whose labels differ are the business of the rule `contradictions`.
    """
    hashes = table["hash"].to_pylist()
    marks = zip(keys(table, roles), *columns(table, roles, kind="label"), strict=True)
    first: dict[tuple[str | None, ...], int] = {}
    copies = {row: start for row, mark in enumerate(marks) if (start := first.setdefault(mark, row)) != row}
    stays = table["row"].take(list(copies.values())).to_pylist() if copies else []
    reasons = [
        f"exact copy of {stay}" if hashes[row] == hashes[start]
        else f"copy of {stay} but for case, blanks or punctuation"
        for (row, start), stay in zip(copies.items(), stays, strict=True)
    ]
    return replace(about_rows(table, roles, rows=list(copies), reasons=reasons), firsts=tuple(copies.values()))


def keys(table: pa.Table, roles: Mapping[str, str]) -> list[str]:
    """The key of each row; rows with equal keys are copies.

    Of text: a hash of its plain spelling (see `near/spelling.py`), of the raw text where nothing is left of it. Of an
    image: its hash.
    """
    from finetune.clean.near.once import once

    texts = [table[name] for name, kind in roles.items() if kind == "text"]
    images = table["hash"] if "image" in roles.values() else None
    return once(("keys", *roles.items()), table, lambda: _hashed(texts, images) if texts else table["hash"].to_pylist())


def _hashed(texts: Sequence[pa.ChunkedArray], images: pa.ChunkedArray | None) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    from finetune.clean.near.ranges import num_bytes, ranges
    from finetune.clean.near.spelling import PIECE_BYTES, rows_of

    found: list[str] = []
    between = pa.scalar("\x1f", pa.large_string())
    for start, end in ranges(sum(map(num_bytes, texts[1:]), num_bytes(texts[0])), PIECE_BYTES):
        parts = [_spelt(text.slice(start, end - start)) for text in texts]
        parts += [images.slice(start, end - start).combine_chunks().cast(parts[0].type)] if images is not None else []
        joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, between)
        data, offsets = rows_of(joined)
        cells = data.tobytes()
        found += [blake2b(cells[a:b], digest_size=16).hexdigest() for a, b in pairwise(offsets.tolist())]
    return found


def _spelt(texts: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    from finetune.clean.near.spelling import plain

    spelt = plain(texts)
    empty = pc.equal(pc.binary_length(spelt), 0)
    raw = pc.fill_null(texts.cast(pa.large_string()).combine_chunks(), "")
    return pc.if_else(empty, raw, spelt) if pc.any(empty).as_py() else spelt


def columns(table: pa.Table, roles: Mapping[str, str], *, kind: str) -> list[list[str | None]]:
    """The cells of every column of one kind."""
    return [table[name].to_pylist() for name, its_kind in roles.items() if its_kind == kind]


def content(roles: Mapping[str, str]) -> str:
    """The column that a row is about and that its hash is of: the first one that is not a label."""
    return next(name for name, kind in roles.items() if kind != "label")


def about_rows(table: pa.Table, roles: Mapping[str, str], *, rows: Sequence[int], reasons: Sequence[str]) -> Findings:
    """Findings about whole rows, which repair nothing; they quote the text or the locator of the image."""
    import pyarrow as pa

    if not rows:
        return Findings()
    column = content(roles)
    before: tuple[str | None, ...] = (None,) * len(rows)
    if not pa.types.is_binary(table.schema.field(column).type):  # rows of the Hub carry the image itself
        before = tuple(table[column].take(list(rows)).to_pylist())
    return Findings(tuple(rows), (column,) * len(rows), tuple(reasons), before, (None,) * len(rows))
