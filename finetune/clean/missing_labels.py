"""Rows that nobody has labelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.clean.label_text import LEARNT
from finetune.contracts import TARGET, Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 40
kinds: tuple[str, ...] = (*LEARNT, "number")
default = "fail"
# A row without label can be neither learnt from nor scored: there is no way to merely report it.
policies: tuple[str, ...] = ("drop", "fail")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Rows whose label, or the number that is to be learnt, is null."""
    import pyarrow.compute as pc

    found: list[tuple[int, str, str, None, None]] = []
    for column in (name for name, kind in roles.items() if kind in LEARNT or name == TARGET):
        rows = pc.indices_nonzero(pc.is_null(table[column])).to_pylist()
        found += [(row, column, f"column {column!r} is empty", None, None) for row in rows]
    return Findings(*zip(*found, strict=True)) if found else Findings()
