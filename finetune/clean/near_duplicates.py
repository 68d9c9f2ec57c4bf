"""Rows that are nearly copies: a word changed, a sentence added, a picture saved anew, cropped or mirrored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.clean.duplicates import about_rows, columns, keys
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 70  # after duplicates: what is left is worth a closer look
kinds: tuple[str, ...] = ("text", "image")
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """All rows of a cluster of near copies with one label but its first, which is named with the similarity.

    Texts of fewer than 8 words (16 characters where words stand side by side) and pictures with a side below 32 pixels
    are not judged. Exact and normalised copies are the business of `duplicates`, near copies whose labels differ that
    of `near_contradictions`.
    """
    import numpy as np

    from finetune.clean.near import pairs

    labels = list(zip(*columns(table, roles, kind="label"), strict=True)) or [()] * table.num_rows
    found = pairs.find([table], roles)
    found = found.where(np.array([labels[a] == labels[b] for a, b in zip(found.left, found.right, strict=True)], bool))
    first = pairs.firsts(found, table.num_rows)
    direct = {(a, b): similarity for a, b, similarity in zip(*(side.tolist() for side in found), strict=True)}
    best, similarity = pairs.nearest(found, table.num_rows)
    members = np.unique(np.concatenate([found.left, found.right])).tolist()
    marks = dict(zip(members, keys(table.take(members), roles), strict=True)) if members else {}
    known: set[tuple[str, tuple[str | None, ...]]] = set()
    rows, reasons = [], []
    names = table["row"]
    for row in members:
        mark = marks[row], labels[row]
        if (start := int(first[row])) != row and mark not in known:
            rows.append(row)
            said = direct.get((start, row))
            reasons.append(f"near copy of {names[start]} (similarity {said:.2f})" if said is not None else
                           f"near copy of {names[int(best[row])]} (similarity {similarity[row]:.2f}), "
                           f"and through it of {names[start]}")
        known.add(mark)
    return about_rows(table, roles, rows=rows, reasons=reasons)
