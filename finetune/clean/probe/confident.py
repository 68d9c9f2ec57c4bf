"""Confident learning: which labels the out-of-sample probabilities of the same rows contradict.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (2021): the calibrated
confident joint of section 3.1 and pruning by noise rate of section 3.2. Where the paper leaves a choice (rounding,
ties, labels without rows), it is that of cleanlab 2.9, so that both find the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array

SLACK = 1e-6  # probabilities this close are equal
BLOCK = 8192  # rows whose probabilities stay in the cache


def joint(targets_N: Array, probabilities_NC: Array) -> Array:
    """Estimated number of rows by given label (rows) and true label (columns), (C, C) whole numbers.

    A row counts for the label whose probability is at least the mean that rows of that label give it, for the most
    probable one where there are several; then the counts are scaled to the labels given.
    """
    num_labels = probabilities_NC.shape[1]
    given_C = np.bincount(targets_N, minlength=num_labels)
    own_N = probabilities_NC[np.arange(len(targets_N)), targets_N]
    mean_C = np.bincount(targets_N, weights=own_N, minlength=num_labels) / np.maximum(given_C, 1)
    least_C = np.where(given_C > 0, np.maximum(mean_C, 2 * SLACK), 2.0) - SLACK  # 2: nothing is that probable
    cells = np.zeros(num_labels**2, dtype=np.int64)
    for start in range(0, len(targets_N), BLOCK):
        some_NC, given_N = probabilities_NC[start : start + BLOCK], targets_N[start : start + BLOCK]
        sure_NC = some_NC >= least_C
        num_sure_N = np.count_nonzero(sure_NC, axis=1)
        true_N = np.where(num_sure_N > 1, some_NC.argmax(axis=1), sure_NC.argmax(axis=1))
        cells += np.bincount((true_N * num_labels + given_N)[num_sure_N > 0], minlength=num_labels**2)
    by_true_CC = cells.reshape(num_labels, num_labels)
    np.fill_diagonal(by_true_CC, np.maximum(by_true_CC.diagonal(), 1))
    scaled_CC = (by_true_CC / by_true_CC.sum(axis=0) * given_C).T
    return _rounded(scaled_CC / scaled_CC.sum() * given_C.sum())


def noise(joint_CC: Array) -> Array:
    """Estimated share of wrong labels among the rows that were given each label, (C), 0 to 1."""
    given_C = joint_CC.sum(axis=1)
    share_C: Array = 1 - joint_CC.diagonal() / np.maximum(given_C, 1)
    return np.where(given_C > 0, share_C, 0.0)


def issues(targets_N: Array, probabilities_NC: Array, joint_CC: Array) -> Array:
    """Whether the label of each row is probably wrong, (N) bool.

    For every pair of given and other label as many rows as the joint counts, those with the largest margin of the other
    label; rows whose own label is the most probable one are left out.
    """
    wrong_N = np.zeros(len(targets_N), dtype=bool)
    doubted_N = _doubted(targets_N, probabilities_NC)
    num_prune_CC = _pruned(joint_CC)
    order_N = np.argsort(targets_N.astype(np.int32), kind="stable")
    ends_C = np.cumsum(np.bincount(targets_N, minlength=len(joint_CC)))
    for given, rows in enumerate(np.split(order_N, ends_C[:-1])):
        if len(rows) < 2:
            continue  # one row is kept of every label
        candidates = rows[doubted_N[rows]]
        own = probabilities_NC[candidates, given]
        for other in np.flatnonzero(num_prune_CC[given]):
            if other == given:
                continue
            num_prune = num_prune_CC[given, other]
            margins = probabilities_NC[candidates, other] - own
            found = _largest(margins, num_prune)
            if found is None:  # undoubted rows, or equal ones, have to be counted as well
                margins = probabilities_NC[rows, other] - probabilities_NC[rows, given]
                wrong_N[rows[np.argsort(-margins)[:num_prune]]] = True
            else:
                wrong_N[candidates[found]] = True
    return wrong_N & doubted_N


def _doubted(targets_N: Array, probabilities_NC: Array) -> Array:
    """Whether another label is more probable than the given one."""
    doubted_N = np.empty(len(targets_N), dtype=bool)
    for start in range(0, len(targets_N), BLOCK):
        some_NC, given_N = probabilities_NC[start : start + BLOCK].copy(), targets_N[start : start + BLOCK]
        some_NC[np.arange(len(given_N)), given_N] += SLACK
        doubted_N[start : start + BLOCK] = some_NC.argmax(axis=1) != given_N
    return doubted_N


def _largest(margins: Array, number: int) -> Array | None:
    """Positions of that many largest margins; None where they are not all clearly positive, or equal ones compete."""
    if len(margins) < number:
        return None
    if len(margins) == number:
        return np.arange(number) if margins.min() > SLACK else None
    least = np.partition(margins, -number)[-number]
    found = np.flatnonzero(margins >= least)
    return found if least > 2 * SLACK and len(found) == number else None


def _pruned(joint_CC: Array) -> Array:
    """How many rows to prune by given and other label: one row of every label is taken to be right."""
    off = np.maximum(1, joint_CC.diagonal()) - joint_CC.diagonal()
    shares = np.maximum(np.count_nonzero(joint_CC, axis=1) - 1.0, 1.0)
    num_prune_CC: Array = np.maximum(joint_CC - (off / shares)[:, None], 0).astype(np.int64)
    return num_prune_CC


def _rounded(counts_CC: Array) -> Array:
    """Whole numbers whose rows add up as before: those with the largest remainders are rounded the other way."""
    whole_CC = counts_CC.round()
    for row, whole in zip(counts_CC, whole_CC, strict=True):
        missing = int(row.sum().round() - whole.sum())
        order = np.argsort(row - whole)
        whole[order[::-1][:missing] if missing > 0 else order[:-missing]] += np.sign(missing)
    return whole_CC.astype(np.int64)
