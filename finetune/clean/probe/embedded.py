"""Tables with the features of their rows beside them: made once, however many rules ask and however many rows go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from finetune.clean.ledger import POSITION

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Embed

FEATURES = "features"  # the column, and the kind of column

Tables = Mapping[str, "pa.Table"]


def embedded(embed: Embed | None) -> Callable[[Tables], dict[str, pa.Table]]:
    """A function that gives tables the column `features`; rows are embedded when it is first called.

    Later tables hold the same rows or fewer. The column is null where nothing is known of the rows.
    """
    known: dict[str, tuple[Array, Array | None]] = {}

    def widen(tables: Tables) -> dict[str, pa.Table]:
        assert embed is not None
        widened = {}
        for split, table in tables.items():
            positions = table[POSITION].to_numpy()
            if split not in known:
                known[split] = positions, embed(table)
            widened[split] = beside(table, _here(positions, known[split]))
        return widened

    return widen


def matrix(table: pa.Table) -> Array | None:
    """The features of the rows, (N, D) float32; None where nothing is known of them."""
    import pyarrow as pa

    column = table[FEATURES]
    if pa.types.is_null(column.type):
        return None
    features: Array = column.combine_chunks().flatten().to_numpy()
    return features.reshape(-1, column.type.list_size)


def beside(table: pa.Table, features: Array | None) -> pa.Table:
    """The table with the features of its rows, (N, D) float32, or with null where nothing is known of them."""
    import pyarrow as pa

    if features is None:
        return table.append_column(FEATURES, pa.nulls(table.num_rows))
    cells = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), features.shape[1])
    return table.append_column(FEATURES, cells)


def _here(positions: Array, known: tuple[Array, Array | None]) -> Array | None:
    """The features of the rows at some positions."""
    import numpy as np

    rows, features = known
    if features is None or len(rows) == len(positions):
        return features
    here: Array = features[np.searchsorted(rows, positions)]
    return here
