"""Predictions and scores of one split: the same code for training's evaluations, the export gate and the test rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.contracts import LossSum
from finetune.evaluate.intervals import Interval, bootstrap, paired_difference, paired_differences

if TYPE_CHECKING:
    from finetune.contracts import Array, Columns, Task
    from finetune.data.examples import Examples
    from finetune.evaluate.infer import Infer

RESAMPLES = 1000
NEAR = 0.01  # of the standard deviation of predicted numbers: below it two of them are one for a user


@dataclass(frozen=True, slots=True)
class Predicted:
    """Columns with one entry per row, in row order, and the loss where it is known."""

    columns: dict[str, Array]
    loss: LossSum | None

    @property
    def mean_loss(self) -> float | None:
        """The loss per counted item, 0 where nothing counts."""
        return self.loss.total / (self.loss.count or 1) if self.loss else None


def join(parts: Sequence[Predicted], positions: Sequence[Array]) -> Predicted:
    """Parts that were predicted apart, put back into the order of `positions`."""
    back = np.argsort(np.concatenate(positions), kind="stable")
    columns = {name: np.concatenate([part.columns[name] for part in parts])[back] for name in parts[0].columns}
    losses = [part.loss for part in parts if part.loss]
    total = LossSum(sum(loss.total for loss in losses), sum(loss.count for loss in losses)) if losses else None
    return Predicted(columns, total)


def batches(lengths: Array, batch: int) -> Iterator[Array]:
    """Positions of all rows in batches of like length, which saves padding; the last may be short."""
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), batch):
        yield order[start : start + batch]


def predict(examples: Examples, infer: Infer, *, batch: int = 64, positions: Array | None = None) -> Predicted:
    """Every row of `examples` (or those at `positions`) predicted once, in the order of the rows."""
    chosen = np.arange(len(examples)) if positions is None else positions
    lengths = np.asarray([examples.task.length(examples[int(i)]) for i in chosen])
    parts: list[Predicted] = []
    seen: list[Array] = []
    for part in batches(lengths, batch):
        collated = examples.task.collate([examples[int(chosen[i])] for i in part], examples.processor)
        output, loss = infer(collated)
        parts.append(Predicted(examples.task.predict(output, collated), loss))
        seen.append(part)
    return join(parts, seen)


def scalars(scores: Mapping[str, Any]) -> dict[str, float]:
    """The scores that are one number."""
    return {name: float(value) for name, value in scores.items() if isinstance(value, (int, float, np.floating))}


def with_intervals(task: Task, columns: Mapping[str, Array], *, seed: int) -> dict[str, Any]:
    """All scores of a split, those that are one number with their 95 % bootstrap interval."""
    scores = task.score(columns)
    intervals = bootstrap(task.score, columns, names=sorted(scalars(scores)), resamples=RESAMPLES, seed=seed)
    return {name: asdict(intervals[name]) if name in intervals else value for name, value in scores.items()}


def difference(task: Task, ours: Mapping[str, Array], theirs: Mapping[str, Array], *, seed: int) -> Interval:
    """How much better the first is than the second on the same rows; positive is better, whatever the score."""
    found = paired_difference(task.score, ours, theirs, name=task.primary, resamples=RESAMPLES, seed=seed)
    return found if task.greater_is_better else Interval(-found.value, -found.high, -found.low)


def differences(task: Task, ours: Mapping[str, Array], theirs: Mapping[str, Array], *,
                seed: int) -> tuple[Interval, dict[str, Interval]]:
    """As `difference`, and the same of the F1 of every label that rows have, where the task scores labels."""
    labels = [entry["label"] for entry in task.score(theirs).get("per_class", ()) if entry["support"]]

    def score(columns: Columns) -> dict[str, float]:
        found = task.score(columns)
        f1 = {entry["label"]: entry["f1"] for entry in found.get("per_class", ())}
        return {"score": found[task.primary], **{f"label {label}": f1.get(label, 0.0) for label in labels}}

    names = ["score", *(f"label {label}" for label in labels)]
    whole, *parts = paired_differences(score, ours, theirs, names=names, resamples=RESAMPLES, seed=seed).values()
    if not task.greater_is_better:
        whole = Interval(-whole.value, -whole.high, -whole.low)
    return whole, dict(zip(labels, parts, strict=True))


def finite(output: Mapping[str, Array]) -> dict[str, Array]:
    """A model's outputs with nought for what is no finite number, which no score is defined for."""
    return {name: np.where(np.isfinite(value), value, value.dtype.type(0)) if value.dtype.kind == "f" else value
            for name, value in output.items()}


def part(columns: Mapping[str, Array], rows: Sequence[bool] | Array) -> dict[str, Array]:
    """The columns of the rows where the mask is true."""
    mask = np.asarray(rows, dtype=bool)
    return {name: column[mask] for name, column in columns.items()}


def same(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> Array:
    """Of every row whether both predict the same: numbers within a hundredth of their spread, all else exactly."""
    one, other = ours["prediction"], theirs["prediction"]
    if one.dtype == object:  # lists of any length
        return np.asarray([a == b for a, b in zip(one, other, strict=True)], dtype=bool)
    equal = abs(one - other) <= NEAR * other.std() if one.dtype.kind == "f" else one == other
    return np.asarray(equal.reshape(len(equal), -1).all(axis=1))
