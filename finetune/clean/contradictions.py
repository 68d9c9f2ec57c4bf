"""Copies of one row that people labelled differently: none of them can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from finetune.clean.duplicates import about_rows, columns, keys
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 50  # before duplicates, which would leave one of them standing
kinds: tuple[str, ...] = ("label",)
default = "drop"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """All rows of equal key whose labels differ; the reason names one row of another label."""
    marks = keys(table, roles)
    labels = list(zip(*columns(table, roles, kind="label"), strict=True))
    first: dict[str, int] = {}
    other: dict[str, int] = {}  # the first row whose label is not that of `first`
    for row, (mark, label) in enumerate(zip(marks, labels, strict=True)):
        if None not in label and labels[first.setdefault(mark, row)] != label:
            other.setdefault(mark, row)
    rows = [row for row, mark in enumerate(marks) if mark in other and None not in labels[row]]
    against = [other[marks[row]] if labels[row] == labels[first[marks[row]]] else first[marks[row]] for row in rows]
    names = table["row"].take(against).to_pylist() if rows else []
    reasons = [
        f"labelled {_said(labels[row])}, but its copy {name} is labelled {_said(labels[copy])}"
        for row, copy, name in zip(rows, against, names, strict=True)
    ]
    votes = Counter((mark, label) for mark, label in zip(marks, labels, strict=True) if None not in label)
    voters = Counter(mark for mark, label in zip(marks, labels, strict=True) if None not in label)
    found = about_rows(table, roles, rows=rows, reasons=reasons)
    # How many of its copies say something else: of one against four the one is wrong.
    against_it = tuple(1 - votes[marks[row], labels[row]] / voters[marks[row]] for row in rows)
    return replace(found, confidence=against_it)


def _said(label: tuple[str | None, ...]) -> str:
    return " / ".join(repr(part) for part in label)
