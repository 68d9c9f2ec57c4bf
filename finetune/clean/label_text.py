"""What a row is labelled, as one text: two rows are labelled alike where it is equal, whatever order a list is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("label", "labels")
LEARNT = (*KINDS, "tags", "answers")
NONE = "(none)"  # of a list without names


def columns(roles: Mapping[str, str]) -> dict[str, str]:
    """The columns that hold a label or a list of them, and their kinds."""
    return {name: kind for name, kind in roles.items() if kind in KINDS}


def label_column(roles: Mapping[str, str]) -> str | None:
    """The column with one label a row; None where the task has none."""
    return next((name for name, kind in roles.items() if kind == "label"), None)


def as_text(column: pa.ChunkedArray, kind: str = "labels") -> pa.ChunkedArray:
    """The label of each row; of a list its names in alphabetical order, tags in their own. Null stays null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "answers":
        column = pc.struct_field(column, "text")
    if kind == "tags":
        return pc.binary_join(column, " ")
    if not pa.types.is_list(column.type):
        return column
    return pa.chunked_array([[None if cell is None else "; ".join(sorted(cell)) or NONE for cell in chunk.to_pylist()]
                             for chunk in column.chunks], pa.string())


def names(cell: str | list[str] | None) -> list[str]:
    """The names in a cell, which is a label, a list of them, or null."""
    return [] if cell is None else [cell] if isinstance(cell, str) else cell
