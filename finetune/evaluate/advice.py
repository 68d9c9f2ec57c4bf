"""Whether to make up for uneven labels, and how: every way is tried on frozen features before a model is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.clean.probe import linear
from finetune.data import order
from finetune.evaluate.intervals import Interval, bootstrap
from finetune.metrics import balance, classification

if TYPE_CHECKING:
    from finetune.contracts import Array, Columns

Learn = Callable[..., linear.Probe]

SCORE = "f1_macro"
"""What decides: in it every label counts the same. Accuracy hardly moves when a rare label is never answered."""
MIN_RATIO = 3.0
"""Rows of the largest label for one of the smallest from which there is anything to make up for."""
MIN_GAIN = 0.01
"""Of the score: what training twice with other seeds changes is hardly less."""
MAX_ROWS, MAX_CELLS = 5_000, 50_000
"""Rows, and rows times labels, that are tried on: all ways together take 20 s at most."""
KEPT_ROWS = 20
"""Rows of a label, or as many as it has, that stay when rows are left out."""
EPOCHS = 4
"""Of drawing evenly: a large label's rows are left out of each, but hardly of all."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What one way reached, out of sample."""

    name: str
    setting: str
    score: Interval
    gain: Interval  # over plain cross-entropy on the same rows
    accuracy: float


@dataclass(frozen=True, slots=True)
class Advice:
    """Everything that was tried, and the one to take: None where no way is clearly better than none."""

    recommended: Tried | None
    tried: tuple[Tried, ...]
    num_rows: int
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Plain values for `data/quality.json`."""
        return {
            "recommended": self.recommended.name if self.recommended else "none",
            "setting": self.recommended.setting if self.recommended else "train.loss=cross_entropy",
            "score": SCORE, "rows": self.num_rows, "reason": self.reason,
            "tried": [{"name": way.name, "setting": way.setting, "score": way.score.value, "low": way.score.low,
                       "high": way.score.high, "gain": asdict(way.gain), "accuracy": way.accuracy}
                      for way in self.tried],
        }


def advise(features_ND: Array, targets_N: Array, groups_N: Array, *, num_labels: int, seed: int) -> Advice:
    """What is best for these training rows: every way by five-fold cross-validation with a linear probe.

    Rows of one group stay on one side. A way is recommended where it has the best score and the 95 % interval of its
    gain over plain cross-entropy, over rows resampled for both alike, lies above 0, the gain itself at 0.01 or more.
    """
    answers = {
        name: linear.out_of_sample(features_ND, targets_N, groups_N, num_labels=num_labels, seed=seed,
                                   learn=learn).argmax(axis=1)
        for name, (_, learn) in WAYS.items()
    }
    tried = _compared({"target": targets_N, **answers}, num_labels=num_labels, seed=seed)
    best = max(tried, key=lambda way: way.score.value)
    recommended = best if _is_worth_it(best) else None
    return Advice(recommended, tried, len(targets_N), _reason(tried[0], best))


def subset(targets_N: Array, *, num_labels: int, seed: int) -> Array:
    """Positions of at most as many rows as can be tried in time, every label in proportion but hardly one without."""
    most = min(MAX_ROWS, MAX_CELLS // num_labels)
    if len(targets_N) <= most:
        return np.arange(len(targets_N))
    share = most / len(targets_N)
    shuffled = np.random.default_rng(seed).permutation(len(targets_N))
    of_label = [shuffled[targets_N[shuffled] == target] for target in range(num_labels)]
    return np.sort(np.concatenate([rows[: max(KEPT_ROWS, round(share * len(rows)))] for rows in of_label]))


def _weighed(features: Array, targets: Array, *, num_labels: int, how: str) -> linear.Probe:
    weights_C = balance.weights(_counts(targets, num_labels), how)
    return linear.fit(features, targets, num_labels=num_labels, weights=weights_C[targets])


def _adjusted(features: Array, targets: Array, *, num_labels: int) -> linear.Probe:
    offsets_C = balance.log_shares(_counts(targets, num_labels))
    return linear.fit(features, targets, num_labels=num_labels, offsets=offsets_C)


def _drawn(features: Array, targets: Array, *, num_labels: int) -> linear.Probe:
    """As the loop draws: a row counts as often as it comes."""
    epochs = [order.batches(np.ones(len(targets)), batch=len(targets), seed=0, epoch=epoch, even=targets)
              for epoch in range(EPOCHS)]
    times = np.bincount(np.concatenate([rows for batches in epochs for rows in batches]), minlength=len(targets))
    return linear.fit(features, targets, num_labels=num_labels, weights=times)


# Name, the setting that does it to a model, and what does it to a probe; plain cross-entropy first.
WAYS: dict[str, tuple[str, Learn]] = {
    "cross-entropy": ("train.loss=cross_entropy", linear.fit),
    "balanced weights": ("train.class_weights=balanced", partial(_weighed, how="balanced")),
    "effective weights": ("train.class_weights=effective", partial(_weighed, how="effective")),
    "focal loss": ("train.loss=focal", partial(linear.fit, focal=balance.GAMMA)),
    "logit adjustment": ("train.loss=logit_adjusted", _adjusted),
    "balanced sampling": ("train.sampler=balanced", _drawn),
}


def _counts(targets: Array, num_labels: int) -> Array:
    """Rows by label; one at least, since all rows of a label can lie in the part that is left out."""
    return np.maximum(np.bincount(targets, minlength=num_labels), 1)


def _compared(columns: Columns, *, num_labels: int, seed: int) -> tuple[Tried, ...]:
    """Scores and gains of all ways over the same resampled rows."""
    def score(picked: Columns) -> dict[str, float]:
        scores = {name: _scalars(picked, name, num_labels)[SCORE] for name in WAYS}
        plain = next(iter(scores.values()))
        return scores | {f"{name} gain": value - plain for name, value in scores.items()}

    names = [*WAYS, *(f"{name} gain" for name in WAYS)]
    found = bootstrap(score, columns, names=names, seed=seed)
    return tuple(Tried(name, setting, found[name], found[f"{name} gain"],
                       _scalars(columns, name, num_labels)["accuracy"]) for name, (setting, _) in WAYS.items())


def _scalars(columns: Columns, name: str, num_labels: int) -> dict[str, float]:
    counts_CC = classification.confusion(columns["target"], columns[name], num_labels)
    return {score: float(value) for score, value in classification.scalars(counts_CC).items()}


def _is_worth_it(best: Tried) -> bool:
    return best.gain.low > 0 and best.gain.value >= MIN_GAIN


def _reason(plain: Tried, best: Tried) -> str:
    if best is plain:
        return f"nothing reaches more than plain cross-entropy, macro F1 {plain.score.value:.3f}"
    gain = f"{best.gain.value:+.3f} ({best.gain.low:+.3f} to {best.gain.high:+.3f})"
    if not _is_worth_it(best):
        return f"no way is clearly better; the best, {best.name}, gains {gain} macro F1 on {plain.score.value:.3f}"
    return (f"{best.name} reaches macro F1 {best.score.value:.3f} instead of {plain.score.value:.3f}: gain {gain}; "
            f"accuracy {best.accuracy:.3f} instead of {plain.accuracy:.3f}")
