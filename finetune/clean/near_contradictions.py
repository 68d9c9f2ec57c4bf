"""Near copies that people labelled differently: one of them is wrong, or one word makes the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from finetune.clean import label_text
from finetune.clean.duplicates import about_rows, labels
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 65  # before near_duplicates, which would leave one side of a contradiction standing
kinds: tuple[str, ...] = ("label", "labels")
# Not dropped: "I would go again" and "I would not go again" are near copies, and there is much to learn from them.
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """All rows with a near copy of another label; the reason names the most similar one.

    What counts as a near copy is told in `near_duplicates`; equal copies are the business of `contradictions`.
    """
    import numpy as np

    from finetune.clean.near import copies, pairs

    # Numbers of near copies may differ, and tags do as soon as a word is added.
    named = label_text.columns(roles)
    number, (label, known) = copies.numbered([table], roles), copies.labels(table, named)
    found = pairs.find([table], roles)
    left, right = found.left, found.right
    found = found.where((label[left] != label[right]) & known[left] & known[right] & (number[left] != number[right]))
    other, similarity = pairs.nearest(found, table.num_rows)
    rows = np.flatnonzero(other >= 0)
    said = zip(*(labels(table, roles, side) for side in (rows, other[rows])), strict=True)
    names = table["row"].take(other[rows]).to_pylist()
    reasons = [f"labelled {own}, but its near copy {name} (similarity {similarity[row]:.2f}) is labelled {its}"
               for row, name, (own, its) in zip(rows, names, said, strict=True)]
    sure = tuple((similarity[rows] / 2).tolist())  # at most one of the two is wrong
    return replace(about_rows(table, roles, rows=rows.tolist(), reasons=reasons), confidence=sure)
