"""The search for an int8 model that holds, where the first one does not: on training rows, one change at a time.

First the ways to write all of it, then which nodes have to stay in float: each group of nodes is written as int8 alone,
which shows what it costs, and the costliest stay in float together, one more each time, until the score holds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.evaluate.score import finite, predict, same
from finetune.export import speed
from finetune.export.quantize import Form, quantize, quantized
from finetune.export.session import Session
from finetune.spec import Int8Static

if TYPE_CHECKING:
    from finetune.contracts import Array
    from finetune.data.examples import Examples

NUM_GROUPS = 16  # that are measured one at a time, neighbours together: a network has some hundred nodes
MOST_IN_FLOAT = 0.5  # share of the groups; beyond it little is left that int8 would make faster
NUM_TIMED = 20  # rows, one by one
MARGIN = 0.5  # of the budget: validation rows may lose more than those that were searched on


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One form and what came of it on the training rows."""

    form: Form
    drop: float  # of the primary score against the fp32 model
    agreement: float
    distance: float  # mean absolute difference of the outputs, which also moves where no label does
    latency_ms: float
    slower: bool  # than fp32

    @property
    def rank(self) -> tuple[float, float, float]:
        """Smaller is better."""
        return (max(self.drop, 0.0), 1 - self.agreement, self.distance)

    def as_json(self) -> dict[str, Any]:
        """What `onnx/rescue.json` says of it."""
        settings = self.form.settings
        return {"per_channel": settings.per_channel,
                "ranges": settings.ranges if isinstance(settings, Int8Static) else None,
                "unsigned_weights": self.form.unsigned_weights, "reduce_range": self.form.target.reduce_range,
                "left_in_float": list(self.form.excluded), "drop": self.drop, "agreement": self.agreement,
                "distance": self.distance, "latency_ms": self.latency_ms, "slower": self.slower}


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What the forms are tried on."""

    source: Path  # the fp32 model
    examples: Examples  # training rows
    rows: Callable[[], Iterable[Mapping[str, Array]]]  # inputs for static ranges
    max_score_drop: float
    threads: int
    draft: Path  # folder for the files of the attempts
    elsewhere: bool = False  # whether int8 is for another processor, as `gate.Candidate` has it

    def holds(self, attempt: Attempt) -> bool:
        """Whether the score stays, and it is no slower than fp32 where that can be told."""
        return attempt.drop <= MARGIN * self.max_score_drop and (self.elsewhere or not attempt.slower)


def search(task: Search, first: Form, say: Callable[[str], None]) -> tuple[Attempt | None, list[Attempt]]:
    """The best form that holds on the training rows, None where there is none, and all that were tried."""
    trial = _Trial(task)
    tried = [trial.attempt(form) for form in (first, *_ways(first))]
    best = min(tried, key=lambda attempt: attempt.rank)
    say(f"{len(tried)} ways to write int8 tried on training rows: the best keeps {best.agreement:.2%} of the labels")
    if task.holds(best):
        return best, tried
    names = quantized(task.source, best.form)
    groups = _groups(names)
    alone = [trial.attempt(_in_float(best.form, [name for name in names if name not in group])) for group in groups]
    tried += alone
    costliest = sorted(range(len(groups)), key=lambda place: alone[place].rank, reverse=True)
    for number in range(1, int(MOST_IN_FLOAT * len(groups)) + 1):
        spared = [name for place in sorted(costliest[:number]) for name in groups[place]]
        attempt = trial.attempt(_in_float(best.form, spared))
        tried.append(attempt)
        say(f"{len(spared)} of {len(names)} nodes left in float: {attempt.agreement:.2%} of the labels, "
            f"{attempt.latency_ms:.2f} ms")
        if task.holds(attempt):
            return attempt, tried
    return None, tried


def _in_float(form: Form, names: Sequence[str]) -> Form:
    return replace(form, excluded=(*form.excluded, *names))


def _ways(form: Form) -> Iterator[Form]:
    """The same model with one setting turned over, and with other ranges."""
    settings = form.settings
    yield replace(form, settings=replace(settings, per_channel=not settings.per_channel))
    yield replace(form, unsigned_weights=True)
    if isinstance(settings, Int8Static):
        others: list[Any] = [ranges for ranges in ("minmax", "entropy", "percentile") if ranges != settings.ranges]
        for ranges in others:
            yield replace(form, settings=replace(settings, ranges=ranges))
    elif not form.target.reduce_range:
        yield replace(form, target=replace(form.target, reduce_range=True))


def _groups(names: Sequence[str]) -> list[tuple[str, ...]]:
    """At most NUM_GROUPS runs of neighbours, of about equal size."""
    number = min(NUM_GROUPS, len(names))
    return [tuple(part.tolist()) for part in np.array_split(np.asarray(names, object), number)] if names else []


class _Trial:
    """Runs attempts against the fp32 model, whose answers are taken once."""

    def __init__(self, task: Search) -> None:
        self.task, self.number = task, 0
        self.session = Session(task.source, threads=task.threads)
        self.outputs, self.columns = self._answers(self.session)
        self.timed = speed.single_rows(task.examples, NUM_TIMED)

    def attempt(self, form: Form) -> Attempt:
        self.number += 1
        file = self.task.draft / f"{self.number}.onnx"
        quantize(self.task.source, file, form, rows=self.task.rows())
        session = Session(file, threads=self.task.threads)
        outputs, columns = self._answers(session)
        plain_ms, own_ms = speed.one_by_one([self.session.infer, session.infer], self.timed)
        file.unlink()
        score, name = self.task.examples.task.score, self.task.examples.task.primary
        sign = 1.0 if self.task.examples.task.greater_is_better else -1.0
        return Attempt(form=form, drop=sign * (float(score(self.columns)[name]) - float(score(columns)[name])),
                       agreement=float(same(columns, self.columns).mean()),
                       distance=float(np.mean(np.abs(outputs - self.outputs))), latency_ms=statistics.median(own_ms),
                       slower=speed.slower(own_ms, plain_ms))

    def _answers(self, session: Session) -> tuple[Array, Mapping[str, Array]]:
        outputs: list[Array] = []

        def infer(batch: Any) -> Any:
            output, loss = session.infer(batch)
            output = finite(output)
            outputs.append(np.concatenate([value.reshape(len(value), -1) for value in output.values()], axis=1))
            return output, loss

        columns = predict(self.task.examples, infer, batch=32).columns
        return np.concatenate(outputs), columns
