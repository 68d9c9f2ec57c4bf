"""Scores of how well rows are ranked, for one label that a row has or lacks, in plain numpy; and where to cut."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array

PRIOR = 5.0
"""Rows with the label that 0.5 weighs as much as, where a threshold is fitted."""
_EDGE = 1e-6  # a threshold keeps this distance from 0 and 1, so that it always parts something


def average_precision(targets: Array, scores: Array) -> float:
    """The area under precision over recall, as the sum of precision times gain in recall; 0 where no row has the label.

    Rows of equal score count together (Manning, Raghavan, Schuetze, Introduction to Information Retrieval, 2008,
    section 8.4; as scikit-learn's `average_precision_score`).
    """
    hits, taken = _steps(targets, scores)
    if not hits.size or not hits[-1]:
        return 0.0
    return float((np.diff(hits, prepend=0) * (hits / taken)).sum() / hits[-1])


def roc_auc(targets: Array, scores: Array) -> float:
    """The chance that a row with the label scores above one without, ties half; 0.5 where one of the two is missing.

    Mann and Whitney 1947, as in Fawcett, An introduction to ROC analysis, 2006, section 7.
    """
    hits, taken = _steps(targets, scores)
    num_rows, num_with = (int(taken[-1]), int(hits[-1])) if hits.size else (0, 0)
    if num_with in (0, num_rows):
        return 0.5
    misses = taken - hits
    below = num_with - (hits + np.append(0, hits[:-1])) / 2  # rows with the label under the middle of each step
    wins = num_with * (num_rows - num_with) - (np.diff(misses, prepend=0) * below).sum()
    return float(wins / (num_with * (num_rows - num_with)))


def recall_at_precision(targets: Array, scores: Array, precision: float) -> float:
    """The largest share of the label's rows that a threshold finds at this precision or a better one; 0 where none."""
    hits, taken = _steps(targets, scores)
    held = hits[hits >= precision * taken]
    return float(held.max() / hits[-1]) if held.size and hits[-1] else 0.0


def curve(targets: Array, scores: Array) -> tuple[Array, Array]:
    """Recall and precision at every distinct score, from the highest on: arrays of equal length."""
    hits, taken = _steps(targets, scores)
    return hits / max(int(hits[-1]) if hits.size else 0, 1), hits / np.maximum(taken, 1)


def best_threshold(targets: Array, scores: Array) -> float:
    """Where to cut for the best F1 on these rows: between two observed scores, drawn to 0.5 where few rows tell.

    The logit of the best cut counts n / (n + PRIOR), n being the rows with the label: of a handful of rows the best cut
    is mostly chance. 0.5 where no row has the label.
    """
    hits, taken = _steps(targets, scores)
    if not hits.size or not hits[-1]:
        return 0.5
    f1 = 2 * hits / (taken + hits[-1])
    best = int(f1.argmax())
    found = np.unique(np.asarray(scores, dtype=np.float64))[::-1]
    cut = (found[best] + (found[best + 1] if best + 1 < len(found) else 0.0)) / 2
    cut = min(max(float(cut), _EDGE), 1 - _EDGE)
    logit = math.log(cut / (1 - cut)) * hits[-1] / (hits[-1] + PRIOR)
    return 1 / (1 + math.exp(-logit))


def _steps(targets: Array, scores: Array) -> tuple[Array, Array]:
    """For every distinct score from the highest on: rows with the label and all rows that score at least as much.

    Positive floats are in the order of their bits, so score and target are sorted as one whole number, several times
    as fast as by `argsort`: resampling asks for it a thousand times.
    """
    targets, scores = np.asarray(targets), np.asarray(scores)
    assert targets.shape == scores.shape and targets.ndim == 1, (targets.shape, scores.shape)
    assert not scores.size or scores.min() >= 0, "a score is a probability"
    number, whole = (np.float32, np.uint32) if scores.dtype == np.float32 else (np.float64, np.uint64)
    bits = np.abs(scores).astype(number).view(whole)  # of -0.0 they are those of 0.0
    keys = np.sort(bits * whole(2) + (targets > 0))[::-1]
    hits, values = np.cumsum(keys & whole(1), dtype=np.int64), keys >> whole(1)
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True)) if keys.size else np.zeros(0, np.int64)
    return hits[last], last + 1
