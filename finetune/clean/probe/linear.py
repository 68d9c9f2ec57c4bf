"""A linear probe: multinomial logistic regression on features that stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array

L2 = 0.01  # on standardised features and a mean loss: 300 rows of 384 numbers are not learnt by heart
MAX_STEPS, MIN_GRADIENT = 300, 1e-5


@dataclass(frozen=True, slots=True)
class Probe:
    """A fitted probe. Labels that had no training row have the probability 0."""

    mean: Array  # (D), as scale
    scale: Array
    weights: Array  # (D, C)
    bias: Array  # (C)

    def probabilities(self, features_ND: Array) -> Array:
        """Probability of every label, (N, C), float64, for features of any float type."""
        standard = (features_ND - self.mean) / self.scale
        logits_NC = (standard.astype(self.weights.dtype) @ self.weights).astype(np.float64) + self.bias
        return np.exp(_log_softmax(logits_NC))


def fit(features_ND: Array, targets_N: Array, *, num_labels: int, weights: Array | None = None,
        offsets: Array | None = None, focal: float = 0.0, l2: float = L2) -> Probe:
    """The probe with the least mean loss and `l2 / 2` of its squared weights; the same rows give the same probe.

    `weights` (N) count rows more or less. `offsets` (C) are added to the logits while it learns and left out when it is
    asked (logit adjustment, Menon et al. 2021). `focal` is gamma of the focal loss (Lin et al. 2017).
    """
    from scipy.optimize import minimize

    mean, scale = features_ND.mean(axis=0, dtype=np.float64), features_ND.std(axis=0, dtype=np.float64)
    scale[scale < 1e-7 * (1 + abs(mean))] = 1.0  # the same in every row
    features = ((features_ND - mean) / scale).astype(np.float32)
    present, targets = np.unique(targets_N, return_inverse=True)
    shares = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=np.float64)
    shares = shares / shares.sum()
    shift = np.zeros(len(present)) if offsets is None else np.asarray(offsets, dtype=np.float64)[present]
    loss = _loss(features, targets, shares, offsets=shift, focal=focal, l2=l2)
    start = np.zeros((features.shape[1] + 1, len(present)))
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B",
                     options={"maxiter": MAX_STEPS, "gtol": MIN_GRADIENT, "ftol": 1e-10}).x.reshape(start.shape)
    weights_DC = np.zeros((features.shape[1], num_labels), dtype=np.float32)
    bias_C = np.full(num_labels, -np.inf)
    weights_DC[:, present], bias_C[present] = found[:-1], found[-1]
    return Probe(mean, scale, weights_DC, bias_C)


def _loss(features_ND: Array, targets_N: Array, shares_N: Array, *, offsets: Array, focal: float,
          l2: float) -> Callable[[Array], tuple[float, Array]]:
    """The loss and its gradient, as functions of weights and, in the last row, biases."""
    everyone = np.arange(len(targets_N))

    def loss(flat: Array) -> tuple[float, Array]:
        weights_DC, bias_C = np.split(flat.reshape(-1, len(offsets)), [-1])
        logs_NC = _log_softmax(features_ND @ weights_DC.astype(features_ND.dtype) + (bias_C + offsets))
        log_N = logs_NC[everyone, targets_N]
        missed_N = np.maximum(-np.expm1(log_N), 1e-12)
        hard_N = missed_N**focal
        slope_N = hard_N - focal * np.exp(log_N) * log_N * missed_N ** (focal - 1) if focal else hard_N
        gradient_NC = np.exp(logs_NC)  # by the logits: slope * (probabilities - one-hot)
        gradient_NC[everyone, targets_N] -= 1
        gradient_NC *= (shares_N * slope_N)[:, None]
        by_weights = features_ND.T @ gradient_NC.astype(features_ND.dtype) + l2 * weights_DC
        total = l2 / 2 * (weights_DC**2).sum() - (shares_N * hard_N * log_N).sum()
        return float(total), np.vstack([by_weights, gradient_NC.sum(axis=0)]).ravel()

    return loss


def out_of_sample(features_ND: Array, targets_N: Array, groups_N: Array, *, num_labels: int, seed: int, folds: int = 5,
                  learn: Callable[..., Probe] = fit) -> Array:
    """Probabilities (N, C) of every row by a probe that has seen neither it nor a row of its group.

    A label whose rows all lie in one fold has the probability 0 there: its rows cannot be judged. `learn` is called as
    `learn(features, targets, num_labels=...)`, once a fold.
    """
    found = np.zeros((len(targets_N), num_labels))
    fold_N = assign(targets_N, groups_N, folds=folds, seed=seed)
    for fold in np.unique(fold_N):
        asked = fold_N == fold
        if asked.all():
            raise ValueError("one group holds all rows")
        found[asked] = learn(features_ND[~asked], targets_N[~asked], num_labels=num_labels).probabilities(
            features_ND[asked])
    return found


def assign(targets_N: Array, groups_N: Array, *, folds: int, seed: int) -> Array:
    """The fold of every row, 0 to `folds` - 1: groups stay together, labels are dealt out evenly."""
    _, first, group_N = np.unique(groups_N, return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(first))
    order = order[np.argsort(targets_N[first][order], kind="stable")]  # like cards sorted by label, one to each in turn
    fold_of_group = np.empty(len(first), dtype=np.int64)
    fold_of_group[order] = np.arange(len(first)) % folds
    dealt: Array = fold_of_group[group_N]
    return dealt


def _log_softmax(logits_NC: Array) -> Array:
    shifted = logits_NC - logits_NC.max(axis=1, keepdims=True)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
