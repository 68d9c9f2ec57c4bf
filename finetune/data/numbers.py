"""Columns of numbers, as people and programs write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "inf", "infinity", "-", "?", "."))

_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")  # 1,234 is one number in Berlin and another in Boston


def parse(cells: Sequence[str | None], rows: Sequence[str], *, column: str, key: str) -> pa.Array[Any]:
    """The cells as float64: null where they are blank, a word for a missing number, or not finite.

    A comma is the decimal mark where no cell has a point. Raises DataError for text, for commas beside points, and
    where all numbers with a comma could be thousands.
    """
    import pyarrow as pa

    spelt = {cell: (cell or "").strip() for cell in dict.fromkeys(cells)}
    given = {cell: text for cell, text in spelt.items() if text.casefold().lstrip("+-") not in MISSING | {""}}
    commas = [cell for cell, text in given.items() if _COMMA.fullmatch(text)]
    points = [cell for cell, text in given.items() if _POINT.fullmatch(text) and "." in text]
    bad = {cell for cell, text in given.items() if not _POINT.fullmatch(text) and not _COMMA.fullmatch(text)}
    if bad:
        raise _refusal("hold no number", bad, cells, rows=rows, column=column, key=key)
    if commas and points:
        raise _refusal(f"have a comma, others a point ({points[0]!r})", set(commas), cells, rows=rows, column=column,
                       key=key)
    if commas and all(_THOUSANDS.fullmatch(given[cell]) for cell in commas):
        raise _refusal("have a comma that can set thousands apart or be the decimal mark", set(commas), cells,
                       rows=rows, column=column, key=key)
    value = {cell: float(text.replace(",", ".")) for cell, text in given.items()}
    finite = {cell: number for cell, number in value.items() if math.isfinite(number)}
    return pa.array([finite.get(cell) for cell in cells], pa.float64())


def _refusal(
    what: str, bad: set[str | None], cells: Sequence[str | None], *, rows: Sequence[str], column: str, key: str
) -> DataError:
    named = [f"{row} {(cell or '')[:40]!r}" for row, cell in zip(rows, cells, strict=True) if cell in bad]
    return DataError(key, f"column {column!r}: {len(named):,} of {len(cells):,} cells {what}: {some(named)}. Allowed "
                          "are numbers as 1234.5, and blanks for missing ones. Correct them, or name another column.")
