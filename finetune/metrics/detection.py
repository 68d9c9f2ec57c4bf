"""Scores of two labels of which one is looked for, such as spam: how well it is ranked, and how well it is cut off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.metrics import ranking

if TYPE_CHECKING:
    from finetune.contracts import Array, Columns

STRICT = 0.99  # precision at which recall is asked: hardly a wrong alarm
POINTS = 200  # of the curve that is kept, at most


def scores(
    columns: Columns, positive: int, per_class: list[dict[str, Any]], *, margin: float = 0.0
) -> dict[str, Any]:
    """How the label with the target `positive` is found.

    `average_precision` (the area under precision over recall), `roc_auc` and `recall_at_99_precision`, its `f1`,
    `precision` and `recall` from `per_class`, and `precision_recall`, the curve.

    `margin` is kept with the curve: how far the label's logit must lie above the other one for a row to have it.
    """
    wanted, chances = columns["target"] == positive, columns["probabilities"][:, positive]
    own = per_class[positive]
    return {
        "average_precision": ranking.average_precision(wanted, chances), "roc_auc": ranking.roc_auc(wanted, chances),
        "recall_at_99_precision": ranking.recall_at_precision(wanted, chances, STRICT),
        **{name: own[name] for name in ("f1", "precision", "recall")},
        "precision_recall": _curve(wanted, chances) | {
            "label": own["label"], "at": [own["recall"], own["precision"]], "margin": margin},
    }


def predicted(probabilities_BC: Array, positive: int, threshold: float) -> Array:
    """The target of the wanted label where its probability reaches the threshold, else that of the other one."""
    found: Array = np.where(probabilities_BC[:, positive] >= threshold, positive, 1 - positive)
    return found


def margin(threshold: float, temperature: float) -> float:
    """How far the logit of one of two labels must lie above the other for its probability to reach the threshold."""
    return temperature * math.log(threshold / (1 - threshold))


def _curve(wanted: Array, chances: Array) -> dict[str, list[float]]:
    recall, precision = ranking.curve(wanted, chances)
    kept = np.unique(np.linspace(0, len(recall) - 1, min(POINTS, len(recall))).astype(int))
    return {"recall": recall[kept].tolist(), "precision": precision[kept].tolist()}
