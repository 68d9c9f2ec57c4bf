"""Copies of a row, and the key by which all of cleaning and splitting knows a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from finetune.clean import label_text, row_text
from finetune.contracts import TARGET, Findings

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

order = 60
kinds: tuple[str, ...] = ("text", "tokens", "image")
default = "drop"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Copies of a former row with the same label; the first one stays and is named in the reason.

    Copies whose labels differ are the business of the rule `contradictions`.
    """
    import numpy as np

    from finetune.clean.near import copies as near

    number = near.joined(near.numbered([table], roles), near.labels(table, targets(roles))[0])
    first = near.firsts(number)[number]
    rows = np.flatnonzero(first != np.arange(len(first)))
    own, others = (table["hash"].take(side).to_pylist() for side in (rows, first[rows]))
    reasons = [f"exact copy of {stay}" if own[place] == others[place]
               else f"copy of {stay} but for case, blanks or punctuation"
               for place, stay in enumerate(table["row"].take(first[rows]).to_pylist())]
    found = about_rows(table, roles, rows=rows.tolist(), reasons=reasons)
    return replace(found, firsts=tuple(first[rows].tolist()))


def keys(table: pa.Table, roles: Mapping[str, str]) -> list[str]:
    """The key of each row; rows with equal keys are copies.

    Of text: a hash of its plain spelling (see `near/spelling.py`), of the raw text where nothing is left of it. Of two
    texts of EITHER_ORDER: the same whichever comes first. Of an image: its hash.
    """
    from finetune.clean.near import copies

    found = copies.keys(table, roles)
    if found.dtype.kind == "S":
        return [key.decode() for key in found.tolist()]
    size, whole = 2 * found.itemsize, found.tobytes().hex()
    return [whole[start:start + size] for start in range(0, len(whole), size)]


def labels(table: pa.Table, roles: Mapping[str, str], rows: Array) -> list[str]:
    """The label of some rows, or the number in its place, as a reason says it."""
    columns = [label_text.as_text(table[name].take(rows), kind).to_pylist() for name, kind in targets(roles).items()]
    return [" / ".join(map(repr, label)) for label in zip(*columns, strict=True)]


def targets(roles: Mapping[str, str]) -> dict[str, str]:
    """The columns of what is learnt, where that are labels, tags, answers or a number, and their kinds."""
    return {name: kind for name, kind in roles.items()
            if kind in label_text.LEARNT or (name, kind) == (TARGET, "number")}


def content(roles: Mapping[str, str]) -> str:
    """The column that a row is about and that its hash is of: the first one that is not a label."""
    return next(name for name, kind in roles.items() if kind not in label_text.KINDS)


def about_rows(table: pa.Table, roles: Mapping[str, str], *, rows: Sequence[int], reasons: Sequence[str]) -> Findings:
    """Findings about whole rows, which repair nothing; they quote the text or the locator of the image."""
    import pyarrow as pa

    if not rows:
        return Findings()
    column = content(roles)
    before: tuple[str | None, ...] = (None,) * len(rows)
    if not pa.types.is_binary(table.schema.field(column).type):  # rows of the Hub carry the image itself
        before = tuple(map(row_text.written, table[column].take(list(rows)).to_pylist()))
    return Findings(tuple(rows), (column,) * len(rows), tuple(reasons), before, (None,) * len(rows))
