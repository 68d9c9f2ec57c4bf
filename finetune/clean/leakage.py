"""Rows that stand in two splits, so that a score would reward memory. Always looked for; not a rule."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from finetune.clean.duplicates import about_rows, keys

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Findings

default = "drop"  # the training copy
policies: tuple[str, ...] = ("report", "drop", "fail")

SPLITS = ("train", "validation", "test")


def find(splits: Mapping[str, pa.Table], roles: Mapping[str, str]) -> tuple[dict[str, Findings], dict[str, Any]]:
    """Per split, the rows that another split has too; and per pair of splits, how many rows of either are shared.

    A reason names the first copy in each other split; a pair reads {"train-test": {"train": 3, "test": 2}}.
    """
    marks = {split: keys(splits[split], roles) for split in SPLITS if split in splits}
    first = {split: _first_rows(marks[split]) for split in marks}
    found: dict[str, Findings] = {}
    for split in marks:
        others = [other for other in marks if other != split]
        rows = [row for row, mark in enumerate(marks[split]) if any(mark in first[other] for other in others)]
        copies = [
            [(other, first[other][marks[split][row]]) for other in others if marks[split][row] in first[other]]
            for row in rows
        ]
        reasons = ["same as " + " and ".join(f"{splits[other]['row'][copy]} in {other}" for other, copy in of_row)
                   for of_row in copies]
        found[split] = about_rows(splits[split], roles, rows=rows, reasons=reasons)
    pairs = {
        f"{a}-{b}": {a: sum(mark in first[b] for mark in marks[a]), b: sum(mark in first[a] for mark in marks[b])}
        for a, b in combinations(marks, 2)
    }
    return found, pairs


def _first_rows(marks: list[str]) -> dict[str, int]:
    first: dict[str, int] = {}
    for row, mark in enumerate(marks):
        first.setdefault(mark, row)
    return first
