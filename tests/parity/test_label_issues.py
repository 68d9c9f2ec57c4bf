"""Our confident learning against cleanlab's on the same probabilities: the same rows, ties and missing labels too."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from finetune.clean.probe import confident

filter = pytest.importorskip("cleanlab.filter")
count = pytest.importorskip("cleanlab.count")


def problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities: 2 to 30 labels, any sharpness, some rounded (ties), some labels rare or without rows."""
    random = np.random.default_rng(seed)
    num_labels, rows = int(random.integers(2, 31)), int(random.integers(4, 600))
    frequency = random.dirichlet(np.full(num_labels, random.choice([0.2, 1.0, 20.0])))
    true = random.choice(num_labels, rows, p=frequency)
    logits = random.normal(size=(rows, num_labels)) + random.choice([0.0, 1.0, 3.0, 8.0]) * np.eye(num_labels)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if seed % 3 == 0:
        probabilities = probabilities.round(1 + seed % 2) + 1e-3
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    flipped = random.random(rows) < random.choice([0.0, 0.1, 0.4])
    return np.where(flipped, random.integers(0, num_labels, rows), true), probabilities


@pytest.mark.parametrize("block", range(20))
def test_same_rows_as_cleanlab(block: int) -> None:
    for seed in range(block * 30, block * 30 + 30):
        targets, probabilities = problem(seed)
        if len(set(targets)) == 1:
            continue  # cleanlab refuses one label alone
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = filter.find_label_issues(targets, probabilities, n_jobs=1)
            their_joint = count.compute_confident_joint(targets, probabilities)
        ours = confident.joint(targets, probabilities)
        assert np.array_equal(ours, their_joint), seed
        assert np.array_equal(confident.issues(targets, probabilities, ours), theirs), seed
