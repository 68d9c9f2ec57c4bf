"""What a row says, as text: words that stand in a list of their own count joined by a blank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("text", "tokens")


def columns(roles: Mapping[str, str]) -> list[str]:
    """The columns that hold text, or words."""
    return [name for name, kind in roles.items() if kind in KINDS]


def by_column(table: pa.Table, roles: Mapping[str, str]) -> dict[str, pa.ChunkedArray]:
    """The text of each row by column."""
    return {name: texts(table[name]) for name in columns(roles)}


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The text of each row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.binary_join(column, " ") if pa.types.is_list(column.type) else column


def written(cell: Any) -> Any:
    """A cell as a reason quotes it: of words the text, of answers these, anything else as it is."""
    if isinstance(cell, dict):
        cell = cell.get("text")
    return " ".join(map(str, cell)) if isinstance(cell, list) else cell
