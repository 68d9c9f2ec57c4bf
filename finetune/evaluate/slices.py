"""Scores by the values of a column: where a model is worse than its one number says."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finetune.evaluate.intervals import Interval, bootstrap
from finetune.evaluate.score import RESAMPLES, part

if TYPE_CHECKING:
    from finetune.contracts import Array, Task

FEW_ROWS = 30
"""Below it an interval says little: resampled rows cannot show what was never drawn."""
MAX_VALUES = 20
"""Values of a column that get a slice of their own: numbers beyond it are cut into quarters, words are gathered."""
EMPTY = "(empty)"


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows that share a value: `worse` says that the whole interval lies on the bad side of the score of all."""

    value: str
    rows: int
    score: Interval
    few: bool
    worse: bool


def score_by(task: Task, columns: Mapping[str, Array], cells: Sequence[str | None], *, seed: int) -> list[Slice]:
    """The primary score of every group of rows, in the order of `groups`; `cells` holds one cell per row.

    A slice of less than FEW_ROWS rows is marked as such and never called worse.
    """
    overall = float(task.score(columns)[task.primary])
    names, order = groups(cells)
    return [_slice(task, part(columns, names == name), value=name, overall=overall, seed=seed) for name in order]


def groups(cells: Sequence[str | None]) -> tuple[Array, list[str]]:
    """The group of every row, and the groups in their order: numbers by size, words by frequency, empty cells last.

    More than MAX_VALUES numbers become quarters of about equal size, `1 to 17`; of more than MAX_VALUES words the most
    frequent stay, and all others are one group.
    """
    words = [(cell or "").strip() or EMPTY for cell in cells]
    known = [word for word in words if word != EMPTY]
    numbers = _numbers(known)
    group_of = _gathered(known) if numbers is None else _quarters(known, numbers)
    order = list(dict.fromkeys(group_of.values())) + [EMPTY] * (len(known) < len(words))
    return np.asarray([group_of.get(word, EMPTY) for word in words], dtype=object), order


def _numbers(words: Sequence[str]) -> dict[str, float] | None:
    """Every word as a number; None where there are none or one is no number."""
    try:
        numbers = {word: float(word) for word in words}
    except ValueError:
        return None
    return numbers if numbers and all(map(math.isfinite, numbers.values())) else None


def _quarters(words: Sequence[str], numbers: Mapping[str, float]) -> dict[str, str]:
    """The group of every number, from the smallest number up."""
    ranked = sorted(numbers, key=lambda word: numbers[word])
    if len(ranked) <= MAX_VALUES:
        return {word: word for word in ranked}
    bounds = np.unique(np.quantile([numbers[word] for word in words], (0.25, 0.5, 0.75)))
    quarter_of = np.searchsorted(bounds, [numbers[word] for word in ranked])  # a bound belongs to the quarter below it
    names: dict[str, str] = {}
    for quarter in np.unique(quarter_of):
        members = [word for word, its in zip(ranked, quarter_of, strict=True) if its == quarter]
        names |= dict.fromkeys(members, f"{members[0]} to {members[-1]}")
    return names


def _gathered(words: Sequence[str]) -> dict[str, str]:
    """The group of every word, from the most frequent down."""
    ranked = [word for word, _ in Counter(words).most_common()]
    if len(ranked) <= MAX_VALUES:
        return {word: word for word in ranked}
    kept, others = ranked[: MAX_VALUES - 1], ranked[MAX_VALUES - 1 :]
    return {word: word for word in kept} | dict.fromkeys(others, f"({len(others):,} other values)")


def _slice(task: Task, columns: Mapping[str, Array], *, value: str, overall: float, seed: int) -> Slice:
    score = bootstrap(task.score, columns, names=[task.primary], resamples=RESAMPLES, seed=seed)[task.primary]
    num_rows = len(next(iter(columns.values())))
    few = num_rows < FEW_ROWS
    beyond = score.high < overall if task.greater_is_better else score.low > overall
    return Slice(value, num_rows, score, few, beyond and not few)
