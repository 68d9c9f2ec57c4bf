"""Near copies that people labelled differently: one of them is wrong, or one word makes the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from finetune.clean.duplicates import about_rows, columns, keys
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 65  # before near_duplicates, which would leave one side of a contradiction standing
kinds: tuple[str, ...] = ("label",)
# Not dropped: "I would go again" and "I would not go again" are near copies, and there is much to learn from them.
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """All rows with a near copy of another label; the reason names the most similar one.

    What counts as a near copy is told in `near_duplicates`; equal copies are the business of `contradictions`.
    """
    import numpy as np

    from finetune.clean.near import pairs

    labels = list(zip(*columns(table, roles, kind="label"), strict=True))
    found = pairs.find([table], roles)
    found = found.where(np.array(
        [labels[a] != labels[b] and None not in labels[a] + labels[b]
         for a, b in zip(found.left, found.right, strict=True)], bool))
    ends = np.unique(np.concatenate([found.left, found.right])).tolist()
    marks = dict(zip(ends, keys(table.take(ends), roles), strict=True)) if ends else {}
    found = found.where(np.array([marks[a] != marks[b] for a, b in zip(found.left, found.right, strict=True)], bool))
    other, similarity = pairs.nearest(found, table.num_rows)
    rows = np.flatnonzero(other >= 0).tolist()
    reasons = [
        f"labelled {_said(labels[row])}, but its near copy {table['row'][int(other[row])]} "
        f"(similarity {similarity[row]:.2f}) is labelled {_said(labels[other[row]])}" for row in rows
    ]
    # At most one of the two is labelled wrongly.
    confidence = tuple((similarity[rows] / 2).tolist())
    return replace(about_rows(table, roles, rows=rows, reasons=reasons), confidence=confidence)


def _said(label: tuple[str | None, ...]) -> str:
    return " / ".join(repr(part) for part in label)
