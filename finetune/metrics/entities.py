"""Entities among tagged words, and their F1: one counts as found where its type and both its ends are right.

That is the strict measure of the CoNLL shared tasks (Tjong Kim Sang and De Meulder, 2003). Tags are IOB2; what a model
makes of them need not be, so an I- that follows none of its type begins an entity, as `conlleval` has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finetune.contracts import Array

Span = tuple[int, int, str]  # first word, the word after the last, type


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities of one row in the order of its words."""
    found: list[Span] = []
    start, kind = 0, ""
    for place, tag in enumerate([*tags, "O"]):
        if kind and tag != f"I-{kind}":
            found.append((start, place, kind))
            kind = ""
        if tag != "O" and not kind:
            start, kind = place, tag[2:]
    return found


def counts(target: Sequence[str], prediction: Sequence[str], types: Sequence[str]) -> Array:
    """Of one row, (types, 3): entities there are, entities found, and those found that are there."""
    import numpy as np

    truth, found = set(spans(target)), set(spans(prediction))
    place = {kind: number for number, kind in enumerate(types)}
    table_K3 = np.zeros((len(types), 3), np.int64)
    for column, some_spans in enumerate((truth, found, truth & found)):
        for *_, kind in some_spans:
            table_K3[place[kind], column] += 1
    return table_K3


def scores(counts_BK3: Array, types: Sequence[str]) -> dict[str, Any]:
    """F1, precision and recall over all entities, the mean F1 of the types, and each type's own.

    A score whose denominator is 0 is 0. A type that is neither there nor found is left out of the mean.
    """
    import numpy as np

    counts_K3 = np.asarray(counts_BK3).sum(axis=0)
    precision_K, recall_K, f1_K = _rates(counts_K3)
    precision, recall, f1 = (float(rate) for rate in _rates(counts_K3.sum(axis=0)))
    is_met = counts_K3[:, :2].any(axis=1)
    return {
        "f1": f1, "precision": precision, "recall": recall,
        "f1_macro": float(f1_K[is_met].mean()) if is_met.any() else 0.0,
        "per_class": [
            {"label": kind, "precision": float(precision_K[place]), "recall": float(recall_K[place]),
             "f1": float(f1_K[place]), "support": int(counts_K3[place, 0]), "counted": "entity"}
            for place, kind in enumerate(types)],
    }


def _rates(counts: Array) -> tuple[Array, Array, Array]:
    """Precision, recall and F1 of counts whose last axis is there, found and both."""
    import numpy as np

    there, found, both = np.moveaxis(counts.astype(float), -1, 0)
    return both / np.maximum(found, 1), both / np.maximum(there, 1), 2 * both / np.maximum(there + found, 1)
