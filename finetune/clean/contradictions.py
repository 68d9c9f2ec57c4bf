"""Copies of one row that people labelled differently, or gave another number: none of them can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from finetune.clean.duplicates import about_rows, labels, targets
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 50  # before duplicates, which would leave one of them standing
kinds: tuple[str, ...] = ("label", "labels", "number", "tags")
default = "drop"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """All rows of equal key whose labels, or numbers, differ; the reason names one row of another label."""
    import numpy as np

    from finetune.clean.near import copies

    number, (label, known) = copies.numbered([table], roles), copies.labels(table, targets(roles))
    first = copies.firsts(number, among=known)
    other = copies.firsts(number, among=known & (label != label[first[number]]))  # whose label is not that of `first`
    rows = np.flatnonzero(known & (other[number] >= 0))
    one, another = first[number[rows]], other[number[rows]]
    against = np.where(label[rows] == label[one], another, one)
    said = zip(*(labels(table, roles, side) for side in (rows, against)), strict=True)
    reasons = [f"labelled {own}, but its copy {name} is labelled {its}"
               for (own, its), name in zip(said, table["row"].take(against).to_pylist(), strict=True)]
    # How many of its copies say something else: of one against four, the one is wrong.
    group, vote = number[rows], copies.joined(number, label)[rows]
    against_it = 1 - np.bincount(vote)[vote] / np.bincount(group)[group]
    return replace(about_rows(table, roles, rows=rows.tolist(), reasons=reasons), confidence=tuple(against_it.tolist()))
