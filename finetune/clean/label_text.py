"""What a row is labelled, as one text: two rows are labelled alike where it is equal, whatever order a list is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("label", "labels")
LEARNT = (*KINDS, "tags", "answers")
NONE = "(none)"  # of a list without names


def columns(roles: Mapping[str, str]) -> list[str]:
    """The columns that hold a label or a list of them."""
    return [name for name, kind in roles.items() if kind in KINDS]


def in_order(roles: Mapping[str, str]) -> list[str]:
    """The columns whose lists are read in their own order: tags, of which each belongs to a word."""
    return [name for name, kind in roles.items() if kind == "tags"]


def told(column: pa.ChunkedArray, *, in_order: bool = False) -> pa.ChunkedArray:
    """The label of each row; of a list, or of answers, its names in alphabetical order. Null stays null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, "text")
    if in_order:
        return pc.binary_join(column, " ")
    if not pa.types.is_list(column.type):
        return column
    return pa.chunked_array([[None if cell is None else "; ".join(sorted(cell)) or NONE for cell in chunk.to_pylist()]
                             for chunk in column.chunks], pa.string())


def names(cell: str | list[str] | None) -> list[str]:
    """The names in a cell, which is a label, a list of them, or null."""
    return [] if cell is None else [cell] if isinstance(cell, str) else cell
