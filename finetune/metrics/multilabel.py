"""Scores of rows that have any number of labels, in plain numpy; targets and predictions are 0 or 1, shape BL.

Shape letters: B rows, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finetune.metrics import ranking
from finetune.metrics.classification import ratio

if TYPE_CHECKING:
    from finetune.contracts import Array, Columns

Cuts = tuple[float, ...] | Literal["auto"]  # the threshold of each label


def sigmoid(logits: Array) -> Array:
    """Probabilities of labels that do not shut each other out, safe for logits of any size; float32 or float64."""
    logits = np.asarray(logits)
    logits = logits.astype(np.result_type(logits.dtype, np.float32), copy=False)
    probabilities: Array = np.exp(-np.logaddexp(logits.dtype.type(0), -logits))
    return probabilities


def thresholds(targets_BL: Array, probabilities_BL: Array) -> tuple[float, ...]:
    """The best cut of every label (see `ranking.best_threshold`)."""
    return tuple(ranking.best_threshold(targets, probabilities)
                 for targets, probabilities in zip(targets_BL.T, probabilities_BL.T, strict=True))


def predicted(logits_BL: Array, cuts: Cuts) -> dict[str, Array]:
    """`probabilities`, and as `prediction` 1 where a probability reaches its threshold, a half where none is set."""
    probabilities_BL = sigmoid(logits_BL)
    cut = 0.5 if cuts == "auto" else np.asarray(cuts)
    return {"probabilities": probabilities_BL, "prediction": (probabilities_BL >= cut).astype(np.int64)}


def scores(columns: Columns, labels: Sequence[str], cuts: Cuts = "auto") -> dict[str, Any]:
    """`map`, `f1_micro`, `f1_macro`, `subset_accuracy` and `hamming_loss`, and the list `per_class`.

    `map` is the mean average precision over the labels that some row has. Micro counts all decisions together, macro is
    the mean over the labels that have a target or a prediction. `subset_accuracy` is the share of rows with all labels
    right, `hamming_loss` the share of all decisions that are wrong: of it, less is better. 0/0 counts as 0.
    Source: Tsoumakas, Katakis, Vlahavas, Mining Multi-label Data, 2010, section 7.
    """
    targets, predictions, probabilities = columns["target"] > 0, columns["prediction"] > 0, columns["probabilities"]
    assert targets.shape == predictions.shape == probabilities.shape, (targets.shape, predictions.shape)
    hits, support, marked = (part.sum(axis=0) for part in (targets & predictions, targets, predictions))
    precision = np.array([ranking.average_precision(*pair) for pair in zip(targets.T, probabilities.T, strict=True)])
    wrong, f1 = targets != predictions, ratio(2 * hits, support + marked)
    per_class = {"precision": ratio(hits, marked), "recall": ratio(hits, support), "f1": f1, "support": support,
                 "average_precision": precision, "threshold": np.full(len(labels), 0.5) if cuts == "auto" else cuts}
    cells = [np.asarray(values).tolist() for values in per_class.values()]
    return {
        "map": float(precision.sum() / max(int((support > 0).sum()), 1)),
        "f1_micro": float(ratio(2 * hits.sum(), support.sum() + marked.sum())),
        "f1_macro": float(f1.sum() / max(int((support + marked > 0).sum()), 1)),
        "subset_accuracy": float(1 - wrong.any(axis=1).mean()),
        "hamming_loss": float(wrong.mean()),
        "per_class": [{"label": label, **dict(zip(per_class, values, strict=True))}
                      for label, *values in zip(labels, *cells, strict=True)],
    }


def answers(columns: Columns, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The labels of every row, none as an empty list, and the probability of each label, most likely first."""
    found = []
    for chosen, row in zip(columns["prediction"], columns["probabilities"], strict=True):
        ranked = [int(i) for i in (-row).argsort(kind="stable")]
        found.append({"labels": [labels[i] for i in ranked if chosen[i]],
                      "probabilities": {labels[i]: float(row[i]) for i in ranked}})
    return found


def mistakes(columns: Columns, labels: Sequence[str], number: int) -> list[tuple[int, dict[str, Any]]]:
    """The rows with the most confident wrong decision, and how sure the model was of it."""
    probabilities, wrong = columns["probabilities"], columns["prediction"] != columns["target"]
    sure = np.where(wrong, np.where(columns["prediction"] > 0, probabilities, 1 - probabilities), -1.0).max(axis=1)
    rows = np.flatnonzero(wrong.any(axis=1))
    return [(int(i), {"label": _names(columns["target"][i], labels), "probability": float(sure[i]),
                      "prediction": _names(columns["prediction"][i], labels)})
            for i in rows[np.argsort(-sure[rows], kind="stable")][:number]]


def _names(row: Array, labels: Sequence[str]) -> str:
    return ", ".join(label for label, has in zip(labels, row, strict=True) if has) or "(none)"
