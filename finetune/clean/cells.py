"""Tables with other cells or fewer rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import mapped
from finetune.clean import misplaced_answers, row_text
from finetune.clean.duplicates import content
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa


def repaired(table: pa.Table, findings: Findings, *, roles: Mapping[str, str], aside: Path | None = None) -> pa.Table:
    """The table with every repaired cell in its place and the hash of its row anew."""
    cells: dict[str, dict[int, str | float]] = {}
    for row, column, after in zip(findings.rows, findings.columns, findings.after, strict=True):
        if after is not None:
            cells.setdefault(column, {})[row] = after
    for column, of_column in cells.items():
        table = replace_cells(table, column, cells=of_column, aside=aside)
    contents = row_text.columns(roles) or [content(roles)]
    rows = sorted({row for column in contents for row in cells.get(column, ())})
    whole = zip(*(table[column].take(rows).to_pylist() for column in contents), strict=True) if rows else ()
    hashes = {row: hashlib.sha256("\x1f".join(map(str, of_row)).encode()).hexdigest()
              for row, of_row in zip(rows, whole, strict=True)}
    return replace_cells(table, "hash", cells=hashes, aside=aside)


def replace_cells(table: pa.Table, column: str, *, cells: Mapping[int, Any], aside: Path | None = None) -> pa.Table:
    """The table with other cells at these positions of one column, answers moved with their context.

    The folder `aside` takes what is large.
    """
    if not cells:
        return table
    if column == misplaced_answers.CONTEXT:
        table = misplaced_answers.moved(table, cells)
    place = table.column_names.index(column)
    whole = mapped.gathered(_replaced(table.select([column]), cells, aside), aside)
    return table.set_column(place, table.schema.field(place), whole.column(0))


def _replaced(table: pa.Table, cells: Mapping[int, Any], aside: Path | None) -> Iterator[pa.Table]:
    """A table of one column, piece by piece."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = np.array(sorted(cells))
    for start, piece in mapped.slices(table, aside):
        here = rows[slice(*np.searchsorted(rows, [start, start + piece.num_rows]))]
        mask = np.zeros(piece.num_rows, dtype=bool)
        mask[here - start] = True
        new = pa.array([cells[row] for row in here.tolist()], piece.schema.types[0])
        yield pa.table([pc.replace_with_mask(piece.column(0), pa.array(mask), new)], schema=piece.schema)
