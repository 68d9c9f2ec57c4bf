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
REST = 0.1  # seconds between turns: ONNX Runtime's threads look for work for some 20 ms, on the next model's cores
ROUNDS = 3  # in which every model answers one batch
SLOWER = 1.1  # times the latency of another model above which one counts as slower: less is noise
LEAST_MS = 0.1  # milliseconds a row below which no difference is claimed: the call itself takes as long


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

    Models take turns, so that a busy machine hits all alike. Each turn begins with a rest, in which the threads of the
    model before go to sleep, and with answers that are not counted.
    """
    writes, order = examples.task.head.decoding is not None, _by_length(examples)
    alone = one_by_one(models, _alone(examples, order, NUM_TIMED_TEXTS if writes else NUM_TIMED))
    together = _collated(examples, _spread(order, batch))
    found = [Speed(together.rows, taken) for taken in alone]
    for _ in range(1 if writes else ROUNDS):
        for model, speed in zip(models, found, strict=True):
            time.sleep(REST)
            model(together)
            speed.batch_ms.append(_milliseconds(model, together))
    return found


def single_rows(examples: Examples, most: int) -> list[Batch]:
    """At most `most` rows, each by itself, evenly from the shortest to the longest."""
    return _alone(examples, _by_length(examples), most)


def one_by_one(models: Sequence[Infer], rows: Sequence[Batch]) -> list[list[float]]:
    """Milliseconds that each model takes for each of the same rows; they take turns, block by block."""
    found: list[list[float]] = [[] for _ in models]
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        for model, taken in zip(models, found, strict=True):
            time.sleep(REST)
            for one in [block[0]] * WARM_UP:
                model(one)
            taken.extend(_milliseconds(model, one) for one in block)
    return found


def slower(one: Sequence[float], than: Sequence[float]) -> bool:
    """Whether a model surely takes longer than another for the same single rows; both as `one_by_one` tells them.

    Row against row, so that long rows weigh no more than short ones: a tenth more in the median, more at all for three
    rows of four, which no pause of the machine brings about, and more milliseconds than anybody would notice.
    """
    ratios = np.asarray(one) / np.asarray(than)
    return bool(np.median(ratios) > SLOWER and np.percentile(ratios, 25) > 1
                and statistics.median(one) - statistics.median(than) > LEAST_MS)


def _by_length(examples: Examples) -> Array:
    return np.argsort(examples.lengths(), kind="stable")


def _alone(examples: Examples, order: Array, most: int) -> list[Batch]:
    """Single rows; where there are fewer than fill a block, some of them again, or one answer would decide."""
    places = _spread(order, most)
    return [_collated(examples, [int(place)]) for place in np.resize(places, max(len(places), BLOCK))]


def _spread(order: Array, most: int) -> list[int]:
    """At most `most` of the positions, evenly from first to last."""
    return [int(order[place]) for place in np.linspace(0, len(order) - 1, min(most, len(order))).astype(int)]


def _collated(examples: Examples, places: Sequence[int]) -> Batch:
    # Without targets, of which PyTorch would tell the loss.
    return replace(examples.task.collate([examples[place] for place in places], examples.processor), targets={})


def _milliseconds(model: Infer, batch: Batch) -> float:
    started = time.perf_counter()
    model(batch)
    return (time.perf_counter() - started) * 1e3
