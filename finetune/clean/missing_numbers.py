"""Cells without a number, in columns of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from finetune.contracts import TARGET, Findings
from finetune.errors import DataError, SpecError

if TYPE_CHECKING:
    import pyarrow as pa

order = 42
kinds: tuple[str, ...] = ("number",)
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail", "mean", "median")
others = "a number, or one for each column, such as price:median,size:0"


def accepts(policy: str) -> bool:
    """Whether it is one of the policies; what is filled in is one thing for all columns, or one for each by name."""
    if policy in policies or _is_filling(policy):
        return True
    parts = [part.rpartition(":") for part in policy.split(",")]
    return all(column and _is_filling(value) for column, _, value in parts)


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Cells that are null; rows without the number that is to be learnt are the business of `missing_labels`."""
    return _found(table, roles, {})


def filling(
    policy: str, train: pa.Table, roles: Mapping[str, str]
) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """The `find` that also tells what goes into the cells: mean and median are those of the training rows.

    Errors: SpecError where the only number is the one that is learnt; DataError for columns that the task does not
    read, or that have no number from which to learn one.
    """
    columns = [name for name, kind in roles.items() if kind == "number" and name != TARGET]
    if not columns and policy != default:
        raise SpecError(["clean.missing_numbers: this task has no column of numbers but the one that is learnt, which "
                         "is never made up; clean.missing_labels says what becomes of rows without it. Leave it out."])
    by_column = {column: value for column, _, value in (part.rpartition(":") for part in policy.split(","))}
    if unknown := sorted(by_column.keys() - {"", *columns}):
        raise DataError("clean.missing_numbers", f"there is not a column of numbers {unknown[0]!r}. Columns: "
                                                 f"{', '.join(columns)}. Correct the name.")
    fill = {column: _filled(train[column], by_column[name], column) for column in columns
            for name in (column if column in by_column else "",) if _is_filling(by_column.get(name, ""))}
    return lambda table, roles: _found(table, roles, fill)


def _is_filling(value: str) -> bool:
    try:
        return value in ("mean", "median") or math.isfinite(float(value))
    except ValueError:
        return False


def _filled(column: pa.ChunkedArray[Any], value: str, name: str) -> float:
    import numpy as np

    if value not in ("mean", "median"):
        return float(value)
    numbers = column.drop_null().to_numpy()
    if not len(numbers):
        raise DataError("clean.missing_numbers", f"column {name!r} has no number in the training rows, so it has no "
                                                 f"{value}. Set a number, or leave the column out.")
    return float(np.mean(numbers) if value == "mean" else np.median(numbers))


def _found(table: pa.Table, roles: Mapping[str, str], fill: Mapping[str, float]) -> Findings:
    import pyarrow.compute as pc

    found: list[tuple[int, str, str, None, float | None]] = []
    for column in (name for name, kind in roles.items() if kind == "number" and name != TARGET):
        rows = pc.indices_nonzero(pc.is_null(table[column])).to_pylist()
        found += [(row, column, f"column {column!r} has no number", None, fill.get(column)) for row in rows]
    return Findings(*zip(*found, strict=True)) if found else Findings()
