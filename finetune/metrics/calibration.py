"""How far probabilities can be believed, and the one number that mends them; plain numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array

COLDEST, HOTTEST = 0.05, 20.0  # temperatures beyond are those of rows that tell nothing, as labels drawn at random
HALVINGS = 60  # of the range of temperatures, which leaves 1e-16 of it
NUM_BINS = 15


def fit_temperature(probabilities_BC: Array, targets_B: Array) -> float:
    """The temperature under which the targets are most likely; 1 where no prediction is wrong.

    Guo et al., On Calibration of Modern Neural Networks (ICML 2017), section 4.2. The log-loss is convex in 1 /
    temperature, so its slope is followed to zero by halving. Without a wrong row it falls for ever, and such rows say
    nothing of how sure to be.
    """
    logs = _logs(probabilities_BC)
    if not len(logs) or (logs.argmax(axis=1) == targets_B).all():
        return 1.0
    right = logs[np.arange(len(logs)), targets_B]
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        slope = float(((tempered(probabilities_BC, 1 / middle) * logs).sum(axis=1) - right).mean())
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(1 / np.sqrt(low * high))


def tempered(probabilities_BC: Array, temperature: float) -> Array:
    """The probabilities that the same logits give when they are divided by the temperature."""
    scaled = _logs(probabilities_BC) / temperature
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: Array = weights / weights.sum(axis=1, keepdims=True)
    return shares


def expected_calibration_error(probabilities_BC: Array, targets_B: Array) -> float:
    """Mean gap between how sure predictions are and how often they are right, in [0, 1], over 15 bins of equal width.

    Naeini et al. (AAAI 2015), as Guo et al. (2017) report it: only the probability of the predicted label counts.
    """
    sure = probabilities_BC.max(axis=1).astype(np.float64)
    right = probabilities_BC.argmax(axis=1) == targets_B
    bins = np.minimum((sure * NUM_BINS).astype(np.intp), NUM_BINS - 1)
    gaps = np.bincount(bins, weights=sure - right, minlength=NUM_BINS)
    return float(np.abs(gaps).sum() / len(sure))


def _logs(probabilities_BC: Array) -> Array:
    """Logarithms, which are the logits but for a constant in every row."""
    found = np.asarray(probabilities_BC, dtype=np.float64)
    logs: Array = np.log(np.maximum(found, np.finfo(np.float32).tiny))
    return logs
