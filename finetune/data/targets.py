"""Numbers as a model learns them: with a mean of 0 and a spread of 1, whatever their unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


def spread(splits: Mapping[str, pa.Table], column: str) -> tuple[float, float]:
    """Mean and standard deviation of the training rows' numbers; rows without one are left out of account.

    Raises DataError where there is nothing to learn.
    """
    import numpy as np

    known = splits["train"][column].drop_null().to_numpy()
    if not len(known):
        raise DataError(f"data.columns.{column}", "no training row has a number. Fill the column, or name another one.")
    mean, deviation = float(known.mean()), float(known.std())
    if not deviation:
        raise DataError(f"data.columns.{column}", f"all {len(known):,} training rows have the number {mean:g}, so "
                                                  "nothing can be learnt. Add rows with other ones, or name another "
                                                  "column.")
    assert np.isfinite((mean, deviation)).all(), "the reader lets no infinite number pass"
    return mean, deviation
