"""Rows without any text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.clean.row_text import columns, texts
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 20
kinds: tuple[str, ...] = ("text", "tokens")
default = "drop"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

# Separators, control and format characters, marks that have nothing to stand on, and the letters and symbols that
# are defined to look empty (Hangul fillers, empty braille cell). Naming what is invisible, and not what is visible,
# keeps a row that is one emoji newer than the regex library.
NOTHING = r"^[\pZ\pM\p{Cc}\p{Cf}\x{115F}\x{1160}\x{2800}\x{3164}\x{FFA0}]*$"


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Cells in which nothing can be seen; punctuation counts as text, since `:)` and `?!` say something."""
    import pyarrow.compute as pc

    found: list[tuple[int, str, str, str | None, None]] = []
    for column in columns(roles):
        found_there = texts(table[column])
        rows = pc.indices_nonzero(pc.fill_null(pc.match_substring_regex(found_there, NOTHING), True))
        cells = found_there.take(rows).to_pylist()
        reason = f"column {column!r} has no text"
        found += [(row, column, reason, cell, None) for row, cell in zip(rows.to_pylist(), cells, strict=True)]
    return Findings(*zip(*found, strict=True)) if found else Findings()
