"""How uneven the labels of a data set are, and what evens them out: plain functions on the counts by label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array

BETA = 0.999
"""Of the effective number of rows: about a thousand rows of a label are as good as any number of them."""

GAMMA = 2.0
"""Of the focal loss: the value that its authors recommend (Lin et al., Focal Loss, ICCV 2017, section 5.1)."""


def ratio(counts_C: Array) -> float:
    """Rows of the largest label for one of the smallest, 1 or more."""
    counts = _counts(counts_C)
    return float(counts.max() / counts.min())


def effective_labels(counts_C: Array) -> float:
    """How many labels of equal size would be as varied, 1 to C: the exponential of the entropy of their shares."""
    shares = _counts(counts_C) / np.sum(counts_C)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def weights(counts_C: Array, how: str) -> Array:
    """What a row counts by its label, float64; the mean over all rows is 1.

    none: 1 for all. balanced: N / (C n), so that every label weighs the same. effective: (1 - b) / (1 - b**n), in
    proportion to the effective number of its rows with b = 0.999 (Cui et al., Class-Balanced Loss, CVPR 2019,
    section 3.2), so that labels of more than a thousand rows weigh alike.
    """
    counts = _counts(counts_C)
    raw = {"none": np.ones_like(counts), "balanced": 1 / counts, "effective": (1 - BETA) / (1 - BETA**counts)}[how]
    scaled: Array = raw * counts.sum() / (raw * counts).sum()
    return scaled


def log_shares(counts_C: Array) -> Array:
    """The logarithm of every label's share of the rows, float64: what a model that knows nothing else would answer."""
    counts = _counts(counts_C)
    shares: Array = np.log(counts / counts.sum())
    return shares


def _counts(counts_C: Array) -> Array:
    counts = np.asarray(counts_C, dtype=np.float64)
    assert counts.ndim == 1 and counts.size and counts.min() >= 1, "every label has a row"
    return counts
