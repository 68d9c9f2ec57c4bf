"""The way back: cleaned rows and their ledger give the original rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from finetune.clean.cells import replace_cells
from finetune.clean.engine import TRAIN
from finetune.clean.ledger import PRIVATE, LedgerLine
from finetune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


def restore(cleaned: pa.Table, ledger: Sequence[LedgerLine], *, split: str = TRAIN) -> pa.Table:
    """The rows of a split as they came: dropped rows in their place, changed cells and hashes as before.

    DataError where lines that are needed were written without what must not leave the machine.
    """
    import numpy as np
    import pyarrow as pa

    lines = [line for line in ledger if line.split == split and line.action in ("changed", "dropped")]
    if any(line.masked for line in lines):
        what = f"{sum(line.masked for line in lines):,} ledger lines hold masked cells, and this file has them in full."
        raise DataError(f"data/{PRIVATE}", f"{what} Restore the rows where they were cleaned.")
    dropped = [line for line in lines if line.action == "dropped"]
    positions = np.array([line.position for line in dropped], dtype=np.int64)
    stayed = np.setdiff1d(np.arange(cleaned.num_rows + len(dropped)), positions, assume_unique=True)
    table = pa.concat_tables([cleaned, _table([_row(line) for line in dropped], cleaned.schema)])
    table = table.take(np.argsort(np.concatenate([stayed, positions]), kind="stable"))
    first: dict[str, dict[int, Any]] = {}  # column -> position -> the cell before anything was done to it
    for line in lines:
        assert line.column is not None and line.position is not None
        first.setdefault("hash", {}).setdefault(line.position, line.hash)
        if line.action == "changed":
            first.setdefault(line.column, {}).setdefault(line.position, line.before)
    for column, cells in first.items():
        table = replace_cells(table, column, cells=cells)
    return table


def _row(line: LedgerLine) -> dict[str, Any]:
    return {"row": line.row, "hash": line.hash, str(line.column): line.before, **line.cells}


def _table(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array([row[name] for row in rows], schema.field(name).type) for name in schema.names},
                    schema=schema)
