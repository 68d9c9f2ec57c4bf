"""Tables with other cells or fewer rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.clean import misplaced_answers
from finetune.clean.duplicates import content
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa


def repaired(table: pa.Table, findings: Findings, *, roles: Mapping[str, str]) -> pa.Table:
    """The table with every repaired cell in its place and the hash of its row anew."""
    cells: dict[str, dict[int, str | float]] = {}
    for row, column, after in zip(findings.rows, findings.columns, findings.after, strict=True):
        if after is not None:
            cells.setdefault(column, {})[row] = after
    for column, of_column in cells.items():
        table = replace_cells(table, column, cells=of_column)
    hashed = cells.get(content(roles), {})
    hashes = {row: hashlib.sha256(str(cell).encode()).hexdigest() for row, cell in hashed.items()}
    return replace_cells(table, "hash", cells=hashes)


def replace_cells(table: pa.Table, column: str, *, cells: Mapping[int, Any]) -> pa.Table:
    """The table with other cells at these positions of one column; answers move with their context."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not cells:
        return table
    mask = np.zeros(table.num_rows, dtype=bool)
    mask[list(cells)] = True
    kind = table.schema.field(column).type
    if column == misplaced_answers.CONTEXT:
        table = misplaced_answers.moved(table, cells)
    new = pc.replace_with_mask(table[column], pa.array(mask), pa.array([cells[row] for row in sorted(cells)], kind))
    return table.set_column(table.column_names.index(column), table.schema.field(column), new)


def joined_runs(table: pa.Table, rows: Any) -> pa.Table:
    """Some rows in ascending order; joining their runs needs just their size, `take` (pyarrow 26) up to twice that."""
    import numpy as np
    import pyarrow as pa

    begins = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    runs = zip(rows[begins].tolist(), np.diff(begins, append=len(rows)).tolist(), strict=True)
    return pa.concat_tables([table.slice(0, 0), *(table.slice(start, size) for start, size in runs)]).combine_chunks()
