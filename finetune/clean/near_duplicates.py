"""Rows that are nearly copies: a word changed, a sentence added, a picture saved anew, cropped or mirrored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from finetune.clean import label_text
from finetune.clean.duplicates import about_rows
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 68  # after duplicates: what is left is worth a closer look
kinds: tuple[str, ...] = ("text", "tokens", "image")
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

QUESTION = "question"


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """All rows of a cluster of near copies with one label but its first, which is named with the similarity.

    Texts: Jaccard similarity of at least 0.8 (see `near/shingles.py`); pictures: see `near/pictures.py`. Texts of fewer
    than 8 words (16 characters where words stand side by side), pictures with a side below 32 pixels and pictures
    without contrast are not judged. Exact and normalised copies are the business of `duplicates`, near copies whose
    labels differ that of `near_contradictions`. Two questions on one text are no copies, however long the text is.
    """
    import numpy as np

    from finetune.clean.near import copies, pairs

    label, _ = copies.labels(table, label_text.columns(roles))
    if QUESTION in roles:
        label = copies.joined(label, copies.numbered([table], {QUESTION: roles[QUESTION]}))
    found = pairs.find([table], roles)
    found = found.where(label[found.left] == label[found.right])
    first = pairs.firsts(found, table.num_rows)
    number = copies.joined(copies.numbered([table], roles), label)
    members = np.unique(np.concatenate([found.left, found.right]))
    in_cluster = np.isin(np.arange(table.num_rows), members)
    unlike = copies.firsts(number, among=in_cluster)[number[members]] == members  # no exact copy of an earlier member
    rows = members[unlike & (first[members] != members)].tolist()
    direct = pairs.prove([table], roles, (first[rows], np.array(rows, np.int64)), known=found)
    said = dict(zip(direct.right.tolist(), direct.similarity.tolist(), strict=True))
    other, similarity = pairs.nearest(found, table.num_rows)
    names = table["row"]
    reasons = [
        f"near copy of {names[int(first[row])]} (similarity {said[row]:.2f})" if row in said
        else f"near copy of {names[int(other[row])]} (similarity {similarity[row]:.2f}), and through it of "
             f"{names[int(first[row])]}"
        for row in rows
    ]
    confidence = tuple(said.get(row, float(similarity[row])) for row in rows)
    return replace(about_rows(table, roles, rows=rows, reasons=reasons), firsts=tuple(first[rows].tolist()),
                   confidence=confidence)
