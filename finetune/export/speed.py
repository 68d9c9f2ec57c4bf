"""How fast models answer, measured on real rows: one at a time, as a server sees them, and many at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array, Batch
    from finetune.data.examples import Examples
    from finetune.evaluate.infer import Infer

NUM_TIMED = 50  # rows whose latency is measured, one by one
NUM_TIMED_TEXTS = 10  # of models that write texts, whose answers take a hundred times as long
BLOCK = 10  # rows that one model answers before the next has its turn
WARM_UP = 3
ROUNDS = 3  # in which every model answers one batch


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds that a model took for single rows, shortest row first, and for one batch, again and again."""

    batch: int  # rows in the batch
    single_ms: list[float] = field(default_factory=list)
    batch_ms: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """Median milliseconds of a single row."""
        return statistics.median(self.single_ms)

    @property
    def p95(self) -> float:
        """Milliseconds that 95 % of single rows stay below; long rows and a busy machine make it."""
        return float(np.percentile(self.single_ms, 95))

    @property
    def rows_per_second(self) -> float:
        """Rows that are answered in a second, a batch at a time."""
        return 1e3 * self.batch / statistics.median(self.batch_ms)


def measure(models: Sequence[Infer], examples: Examples, *, batch: int) -> list[Speed]:
    """How fast each model is, on the same rows, which stand for all lengths there are; a batch has at most all rows.

    Models take turns, so that a busy machine hits all alike, and each turn begins with answers that are not counted,
    since the threads of the model before may still be spinning.
    """
    order = np.argsort(examples.lengths(), kind="stable")
    most = NUM_TIMED_TEXTS if examples.task.head.decoding else NUM_TIMED
    singles = [_collated(examples, [place]) for place in _spread(order, most)]
    together = _collated(examples, _spread(order, batch))
    found = [Speed(together.rows) for _ in models]
    for start in range(0, len(singles), BLOCK):
        block = singles[start : start + BLOCK]
        for model, speed in zip(models, found, strict=True):
            for one in [block[0]] * WARM_UP:
                model(one)
            speed.single_ms.extend(_milliseconds(model, one) for one in block)
    for _ in range(1 if examples.task.head.decoding else ROUNDS):
        for model, speed in zip(models, found, strict=True):
            model(together)
            speed.batch_ms.append(_milliseconds(model, together))
    return found


def _spread(order: Array, most: int) -> list[int]:
    """At most so many of the positions, evenly from first to last."""
    return [int(order[place]) for place in np.linspace(0, len(order) - 1, min(most, len(order))).astype(int)]


def _collated(examples: Examples, places: Sequence[int]) -> Batch:
    # Without targets, of which PyTorch would tell the loss.
    return replace(examples.task.collate([examples[place] for place in places], examples.processor), targets={})


def _milliseconds(model: Infer, batch: Batch) -> float:
    started = time.perf_counter()
    model(batch)
    return (time.perf_counter() - started) * 1e3
