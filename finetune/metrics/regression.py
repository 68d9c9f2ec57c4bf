"""Scores of predicted numbers, in plain numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array, Columns

POINTS = 500  # rows that are drawn, evenly from all
ROUNDING = 1e-12  # of their size: numbers that differ by less are equal, in whatever unit they are


def scores(targets: Array, predictions: Array) -> dict[str, Any]:
    """`mae` and `mse` in the unit of the numbers, `r2`, `pearson`, `spearman`, and `points` to be drawn.

    `r2` is 1 for all numbers right, 0 for their mean and below 0 for worse; a correlation with a constant counts as 0.
    `points` are pairs of target and prediction.
    """
    truth, said = np.asarray(targets, np.float64), np.asarray(predictions, np.float64)
    assert truth.ndim == 1 and truth.shape == said.shape and truth.size, (truth.shape, said.shape)
    errors = said - truth
    mse = float((errors**2).mean())
    shown = np.unique(np.linspace(0, len(truth) - 1, min(len(truth), POINTS)).astype(int))
    return {
        "mae": float(np.abs(errors).mean()), "mse": mse,
        "r2": 0.0 if _is_constant(truth) else float(1 - mse / truth.var()),
        "pearson": correlation(truth, said), "spearman": correlation(ranks(truth), ranks(said)),
        "points": np.stack([truth[shown], said[shown]], axis=1).tolist(),
    }


def correlation(one: Array, other: Array) -> float:
    """Pearson's, -1 to 1; 0 where one of the two is constant."""
    if _is_constant(one) or _is_constant(other):
        return 0.0
    a, b = ((side - side.mean()) / side.std() for side in (one, other))
    return float(np.clip(a @ b / len(a), -1, 1))


def _is_constant(values: Array) -> bool:
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def ranks(values: Array) -> Array:
    """The place of each value among all, from 1; equal ones share the mean of their places."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Array = (last - (counts - 1) / 2)[place]
    return shared


def answers(columns: Columns) -> list[dict[str, Any]]:
    """The `value` of every row."""
    return [{"value": float(value)} for value in columns["prediction"]]


def mistakes(columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
    """The rows whose number is furthest off."""
    errors = np.abs(columns["prediction"] - columns["target"])
    return [(int(i), {"label": f"{columns['target'][i]:.4g}", "prediction": f"{columns['prediction'][i]:.4g}",
                      "probability": None})
            for i in np.argsort(-errors, kind="stable")[:number] if errors[i] > 0]
