"""Rows that stand in two splits, so that a score would reward memory. Always looked for; not a rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

from finetune.clean.duplicates import about_rows
from finetune.contracts import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Findings

default = "drop"  # the training copy
policies: tuple[str, ...] = ("report", "drop", "fail")

GROUP = "of one group with"
Copies = dict[int, dict[str, tuple[str, str]]]  # row -> split that has it too -> (how it is copied, the copy)


def find(splits: Mapping[str, pa.Table], roles: Mapping[str, str]) -> tuple[dict[str, Findings], dict[str, Any]]:
    """Per split, the rows that another split has too, or nearly; per pair of splits, how many rows of either these are.

    A reason names one copy in each other split, an equal one where there is one, else the nearest (what is near is
    told in `near_duplicates`), else a row of the same group; a pair reads {"train-test": {"train": 3, "test": 2}}.
    Where there are groups, the rows that have nothing but their group in common are counted.
    """
    tables = {split: splits[split] for split in SPLITS if split in splits}
    ways = [_of_group(tables, roles), _near(tables, roles), _equal(tables, roles)]
    copies: dict[str, Copies] = {split: {} for split in tables}
    for split, of_way in ((split, way[split]) for way in ways for split in tables):
        for row, of_row in of_way.items():
            copies[split][row] = copies[split].get(row, {}) | of_row
    found = {}
    for split, of_split in copies.items():
        rows = sorted(of_split)
        reasons = [_reason([of_split[row][other] for other in tables if other in of_split[row]]) for row in rows]
        kinds = Counter(_kind(of_split[row]) for row in rows) if "group" in roles else {}
        found[split] = replace(about_rows(tables[split], roles, rows=rows, reasons=reasons), counts=kinds)
    pairs = {
        f"{a}-{b}": {one: sum(other in of_row for of_row in copies[one].values()) for one, other in ((a, b), (b, a))}
        for a, b in combinations(tables, 2)
    }
    return found, pairs


def _equal(tables: Mapping[str, pa.Table], roles: Mapping[str, str]) -> dict[str, Copies]:
    """The rows whose key another split has."""
    import numpy as np

    from finetune.clean.near.copies import firsts, numbered

    sizes = [table.num_rows for table in tables.values()]
    whole = numbered(list(tables.values()), roles)
    number = dict(zip(tables, np.split(whole, np.cumsum(sizes)[:-1]), strict=True))
    first = {split: np.append(firsts(of_split), np.full(len(whole), -1)) for split, of_split in number.items()}
    copies: dict[str, Copies] = {split: {} for split in tables}
    for split, other in permutations(tables, 2):
        twin = first[other][number[split]]
        rows = np.flatnonzero(twin >= 0)
        for row, name in zip(rows.tolist(), tables[other]["row"].take(twin[rows]).to_pylist(), strict=True):
            copies[split].setdefault(row, {})[other] = ("same as", f"{name} in {other}")
    return copies


def _of_group(tables: Mapping[str, pa.Table], roles: Mapping[str, str]) -> dict[str, Copies]:
    """The rows whose group another split has; empty groups are nobody's."""
    groups = {split: table["group"].to_pylist() if "group" in roles else [] for split, table in tables.items()}
    first = {split: _first_rows(of_split) for split, of_split in groups.items()}
    copies: dict[str, Copies] = {split: {} for split in tables}
    for split, other in permutations(tables, 2):
        names = tables[other]["row"]
        for row, group in enumerate(groups[split]):
            if group is not None and group in first[other]:
                copies[split].setdefault(row, {})[other] = (GROUP, f"{names[first[other][group]]} in {other}")
    return copies


def _kind(copies: dict[str, tuple[str, str]]) -> str:
    return "same group" if all(how == GROUP for how, _ in copies.values()) else "copies"


def _near(tables: Mapping[str, pa.Table], roles: Mapping[str, str]) -> dict[str, Copies]:
    """The rows that are near copies of one in another split, equal ones among them."""
    import numpy as np

    from finetune.clean.near import pairs

    found = pairs.across(list(tables.values()), roles)
    num_rows = [table.num_rows for table in tables.values()]
    split_of, starts = np.repeat(np.arange(len(tables)), num_rows), np.cumsum([0, *num_rows])
    copies: dict[str, Copies] = {split: {} for split in tables}
    for (a, one), (b, other) in permutations(enumerate(tables), 2):
        between = np.isin(split_of[found.left], (a, b)) & np.isin(split_of[found.right], (a, b))
        twin, similarity = pairs.nearest(found.where(between), sum(num_rows))
        names = tables[other]["row"]
        for row in np.flatnonzero((twin >= 0) & (split_of == a)).tolist():
            said = f"{names[int(twin[row] - starts[b])]} in {other} (similarity {similarity[row]:.2f})"
            copies[one].setdefault(row - int(starts[a]), {})[other] = ("near copy of", said)
    return copies


def _reason(copies: list[tuple[str, str]]) -> str:
    """Example: same as a.csv:2 in validation and near copy of b.csv:7 in test (similarity 0.91)."""
    grouped: dict[str, list[str]] = {}
    for how, copy in sorted(copies, key=lambda said: ("same as", "near copy of", GROUP).index(said[0])):
        grouped.setdefault(how, []).append(copy)
    return " and ".join(f"{how} {' and '.join(of_kind)}" for how, of_kind in grouped.items())


def _first_rows(marks: list[Any]) -> dict[Any, int]:
    first: dict[Any, int] = {}
    for row, mark in enumerate(marks):
        first.setdefault(mark, row)
    return first
