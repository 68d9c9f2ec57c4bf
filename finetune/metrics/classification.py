"""Scores of single-label classification, from targets and predictions, in plain numpy.

Everything but `softmax` is derived from one confusion matrix, so that resampling costs one count per resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array, Columns


def softmax(logits_BC: Array) -> Array:
    """Probabilities over the last axis, safe for logits of any size; float32, or float64 where the logits need it."""
    logits = np.asarray(logits_BC)
    logits = logits.astype(np.result_type(logits.dtype, np.float32), copy=False)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Array = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def predicted(logits_BC: Array, temperature: float) -> dict[str, Array]:
    """The most likely label of every row, and the `probabilities` of all at a temperature."""
    return {"probabilities": softmax(logits_BC / temperature), "prediction": logits_BC.argmax(axis=1)}


def likeliest(probabilities_BC: Array, number: int) -> Array:
    """The targets of so many labels of every row, the most likely first."""
    return np.argsort(-probabilities_BC, axis=1, kind="stable")[:, :number]


def confusion(targets: Array, predictions: Array, num_classes: int) -> Array:
    """Row counts by target (first axis) and prediction (second axis), shape CC."""
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    assert targets.ndim == 1 and targets.shape == predictions.shape, (targets.shape, predictions.shape)
    for column in (targets, predictions):
        assert column.dtype.kind in "iu", f"a target is a whole number, found {column.dtype}"
        # A number out of range would land in the cell of another pair instead of failing.
        assert not column.size or 0 <= column.min() <= column.max() < num_classes, (column.min(), column.max())
    cells = targets.astype(np.intp, copy=False) * num_classes + predictions.astype(np.intp, copy=False)
    return np.bincount(cells, minlength=num_classes * num_classes).reshape(num_classes, num_classes)


def per_class(counts_CC: Array) -> dict[str, Array]:
    """Precision, recall, F1 and support of every class, shape ...C for confusion matrices of shape ...CC.

    F1 is 2 TP / (2 TP + FP + FN); 0/0 counts as 0 (van Rijsbergen, Information Retrieval, 1979, chapter 7).
    """
    counts = np.asarray(counts_CC)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    support, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    return {
        "precision": ratio(hits, predicted),
        "recall": ratio(hits, support),
        "f1": ratio(2 * hits, support + predicted),
        "support": support,
    }


def scalars(counts_CC: Array) -> dict[str, Array]:
    """The scores in [0, 1] that are one number per confusion matrix, shape ... for matrices of shape ...CC.

    A macro score is the mean over the classes that have a target or a prediction; a weighted one weighs
    every class by its support; 0/0 counts as 0.
    """
    counts = np.asarray(counts_CC)
    classes = per_class(counts)
    support = classes["support"]
    num_rows = support.sum(axis=-1)
    num_present = ((support + counts.sum(axis=-2)) > 0).sum(axis=-1)

    def macro(name: str) -> Array:
        return ratio(classes[name].sum(axis=-1), num_present)  # an absent class adds nothing to the sum

    def weighted(name: str) -> Array:
        return ratio((classes[name] * support).sum(axis=-1), num_rows)

    return {
        "accuracy": ratio(np.trace(counts, axis1=-2, axis2=-1), num_rows),
        "f1_macro": macro("f1"),
        "precision_macro": macro("precision"),
        "recall_macro": macro("recall"),
        "f1_weighted": weighted("f1"),
        "precision_weighted": weighted("precision"),
        "recall_weighted": weighted("recall"),
    }


def scores(targets: Array, predictions: Array, labels: Sequence[str]) -> dict[str, Any]:
    """Every score of `scalars` as a float, the list `per_class`, and `confusion` as nested lists (row = target)."""
    counts_CC = confusion(targets, predictions, len(labels))
    classes = {name: values.tolist() for name, values in per_class(counts_CC).items()}
    return {
        **{name: float(value) for name, value in scalars(counts_CC).items()},
        "per_class": [
            {"label": label, **dict(zip(classes, values, strict=True))}
            for label, *values in zip(labels, *classes.values(), strict=True)
        ],
        "confusion": counts_CC.tolist(),
    }


def answers(columns: Columns, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The label of every row and the probability of each label, most likely first."""
    found = []
    for chosen, row in zip(columns["prediction"], columns["probabilities"], strict=True):
        ranked = [int(i) for i in (-row).argsort(kind="stable")]
        found.append({"label": labels[int(chosen)], "probabilities": {labels[i]: float(row[i]) for i in ranked}})
    return found


def mistakes(columns: Columns, labels: Sequence[str], number: int) -> list[tuple[int, dict[str, Any]]]:
    """The most confident of the wrong rows: the first place to look for wrong labels."""
    confidence = columns["probabilities"].max(axis=1)
    wrong = np.flatnonzero(columns["prediction"] != columns["target"])
    return [(int(i), {"label": labels[int(columns["target"][i])], "prediction": labels[int(columns["prediction"][i])],
                      "probability": float(confidence[i])})
            for i in wrong[np.argsort(-confidence[wrong], kind="stable")][:number]]


def ratio(part: Array, whole: Array) -> Array:
    """Part over whole, elementwise, for counts; 0/0 counts as 0."""
    share: Array = part / np.maximum(whole, 1)
    return share
