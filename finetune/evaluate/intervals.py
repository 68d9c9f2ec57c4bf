"""How far a score can be trusted: bootstrap intervals, for one set of predictions and for two on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array, Columns

    Score = Callable[[Columns], Mapping[str, Any]]

_BLOCK = 2**18  # row numbers drawn at a time: 2 MiB


@dataclass(frozen=True, slots=True)
class Interval:
    """A score, or a difference of two, with the bounds of its 95 % interval; low <= value <= high."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class _Picked(Mapping[str, "Array"]):
    """Columns at some rows; a column is only copied when it is read, so that a wide one nobody scores is free."""

    columns: Columns
    rows: Array

    def __getitem__(self, name: str) -> Array:
        return self.columns[name][self.rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def bootstrap(
    score: Score, columns: Columns, *, names: Sequence[str], resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """The named scores of all rows, each with a 95 % interval over rows resampled with replacement.

    Percentile interval (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3), widened
    where needed to hold the score itself. Not one mistake, and so 1 on every resample, reaches down by `unseen`;
    any other score that never changes, as that of one row, has an interval without width. The same seed gives the
    same resamples.
    """

    def measure(rows: Array) -> list[float]:
        scores = score(_Picked(columns, rows))
        return [float(scores[name]) for name in names]

    num_rows = _num_rows(columns)
    intervals = _intervals(measure, num_rows, resamples=resamples, seed=seed)
    perfect = Interval(1.0, 1.0, 1.0)
    intervals = [replace(found, low=1 - unseen(num_rows)) if found == perfect else found for found in intervals]
    return dict(zip(names, intervals, strict=True))


def paired_difference(
    score: Score, columns_a: Columns, columns_b: Columns, *, name: str, resamples: int = 1000, seed: int = 0
) -> Interval:
    """The named score of a minus that of b; see `paired_differences`."""
    return paired_differences(score, columns_a, columns_b, names=[name], resamples=resamples, seed=seed)[name]


def paired_differences(
    score: Score, columns_a: Columns, columns_b: Columns, *, names: Sequence[str], resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """The named scores of a minus those of b, with 95 % intervals over rows resampled for both alike.

    The columns describe the same rows in the same order. Rows that are hard for both cancel out, so the
    interval is narrower than that of two separate scores (paired bootstrap: Koehn, Statistical Significance
    Tests for Machine Translation Evaluation, EMNLP 2004). Where both score alike on every resample, it reaches
    `unseen` to either side.
    """
    num_rows = _num_rows(columns_a)
    assert num_rows == _num_rows(columns_b), "a pair is scored on the same rows"

    def measure(rows: Array) -> list[float]:
        a, b = score(_Picked(columns_a, rows)), score(_Picked(columns_b, rows))
        return [float(a[name]) - float(b[name]) for name in names]

    intervals = _intervals(measure, num_rows, resamples=resamples, seed=seed)
    alike, room = Interval(0.0, 0.0, 0.0), unseen(num_rows)
    return {name: Interval(0.0, -room, room) if found == alike else found
            for name, found in zip(names, intervals, strict=True)}


def unseen(num_rows: int) -> float:
    """The share of all rows up to which something may happen that none of these did, at 95 %: 0.018 for 200.

    The exact bound (Clopper and Pearson, Biometrika 26, 1934); resampling cannot make a row that was never there.
    """
    return float(1.0 - 0.025 ** (1.0 / num_rows))


def _intervals(
    measure: Callable[[Array], list[float]], num_rows: int, *, resamples: int, seed: int
) -> list[Interval]:
    values = measure(np.arange(num_rows))
    drawn = np.array([measure(rows) for rows in _resampled(num_rows, resamples, seed)])
    assert np.isfinite(drawn).all(), "a score has a value on every resample"
    lows, highs = np.percentile(drawn, (2.5, 97.5), axis=0)
    return [
        Interval(value, min(low, value), max(high, value))
        for value, low, high in zip(values, lows.tolist(), highs.tolist(), strict=True)
    ]


def _resampled(num_rows: int, resamples: int, seed: int) -> Iterator[Array]:
    random = np.random.default_rng(seed)
    block = max(1, _BLOCK // num_rows)
    for start in range(0, resamples, block):
        yield from random.integers(num_rows, size=(min(block, resamples - start), num_rows))


def _num_rows(columns: Columns) -> int:
    counts = {len(column) for column in columns.values()}
    assert len(counts) == 1, f"every column has one entry per row, found {sorted(counts)}"
    num_rows = counts.pop()
    assert num_rows > 0, "there is nothing to score"
    return num_rows
