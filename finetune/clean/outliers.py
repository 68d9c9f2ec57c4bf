"""Rows out of the ordinary: texts far longer or shorter than the others, pictures likewise, and numbers far off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from finetune.clean.duplicates import about_rows
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

order = 74
kinds: tuple[str, ...] = ("text", "tokens", "image", "number")
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

MIN_ROWS = 100  # below, no size is usual yet
SIGMAS, FENCE = 3.0, 3.0  # standard deviations; Tukey's outer fences in quartile ranges (Exploratory Data Analysis)
FACTOR = 2.0  # and at least this many times the median, or this part of it: sizes can be all but equal
LONG_WORDS = 15  # characters a word, on average: above, words are not set apart by blanks
VALUE = "as its number"
ABOUT = {"pixels on its shorter side": "the picture has", "times its shorter side": "the longer side is"}
EXTREME = 10.0  # longer side of a picture to its shorter one
TINY = 2  # pixels a side


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is usual of one measure of one column."""

    median: float
    low: float
    high: float

    def outside(self, sizes: Array) -> Array:
        """Which sizes are out of the ordinary; what is not a number is not."""
        return (sizes < self.low) | (sizes > self.high)


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Rows of one table that differ in size from most of its rows."""
    return learn(table, roles)(table, roles)


def learn(train: pa.Table, roles: Mapping[str, str]) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """The rule for every split, with the bounds of the training rows."""
    usual = {(column, unit): number_bounds(sizes) if unit == VALUE else bounds(sizes)
             for column, unit, sizes in measured(train, roles)}

    def against(table: pa.Table, roles: Mapping[str, str]) -> Findings:
        reasons: dict[int, str] = {}
        counts: Counter[str] = Counter()
        for column, unit, sizes in measured(table, roles):
            places, why = _unusual(sizes, usual.get((column, unit)), unit)
            for row, size in zip(places.tolist(), sizes[places].tolist(), strict=True):
                if row not in reasons:
                    counts[unit] += 1
                    about = ABOUT.get(unit, f"column {column!r} has")
                    reasons[row] = f"{about} {_number(size, unit)} {unit}, {why}"
        rows = sorted(reasons)
        found = about_rows(table, roles, rows=rows, reasons=[reasons[row] for row in rows])
        return replace(found, counts=dict(sorted(counts.items())))

    return against


def _number(size: float, unit: str) -> str:
    if unit == VALUE:
        return f"{size:.6g}"
    return f"{size:,.0f}" if size == round(size) else f"{size:,.1f}"


def bounds(sizes: Array) -> Bounds | None:
    """The widest of three: 3 standard deviations of the logarithms, their outer fences, half to double the median.

    None where there are too few rows. Tukey's fences lie 3 quartile ranges outside the quartiles.
    """
    import numpy as np

    logs = np.log(sizes[sizes > 0])
    if len(logs) < MIN_ROWS:
        return None
    first, median, third = np.percentile(logs, [25, 50, 75])
    reach = FENCE * (third - first)
    low = min(logs.mean() - SIGMAS * logs.std(), first - reach, median - np.log(FACTOR))
    high = max(logs.mean() + SIGMAS * logs.std(), third + reach, median + np.log(FACTOR))
    return Bounds(*np.exp([median, low, high]).tolist())


def number_bounds(numbers: Array) -> Bounds | None:
    """The wider of two: Tukey's outer fences, and 3 standard deviations of what lies inside these.

    Where half of the numbers are one and the same, the fences say nothing, and the deviations are those of all.
    """
    import numpy as np

    known = numbers[np.isfinite(numbers)]
    if len(known) < MIN_ROWS:
        return None
    first, median, third = np.percentile(known, [25, 50, 75])
    reach = FENCE * (third - first)
    inside = known[np.abs(known - median) <= reach + (third - first)] if reach else known
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers above 1e154 every size is usual
        mean, sigmas = inside.mean(), SIGMAS * inside.std()
    low = min(mean - sigmas, first - reach if reach else np.inf)
    high = max(mean + sigmas, third + reach if reach else -np.inf)
    return Bounds(float(median), float(low), float(high))


def _unusual(sizes: Array, usual: Bounds | None, unit: str) -> tuple[Array, str]:
    """Positions of what is out of the ordinary, and what would be usual. Pictures have bounds that need no others."""
    import numpy as np

    if unit == "times its shorter side":
        return np.flatnonzero(sizes > EXTREME), f"more than {EXTREME:g}"
    if unit == "pixels on its shorter side" and (usual is None or usual.low < TINY):
        return np.flatnonzero((sizes > 0) & (sizes < TINY)), f"fewer than {TINY}"
    if usual is None:
        return np.zeros(0, dtype=np.int64), ""
    if unit == VALUE:
        return np.flatnonzero(usual.outside(sizes)), f"usual is {usual.low:.4g} to {usual.high:.4g}"
    # 0 is nobody's business here, since empty rows have a rule.
    odd = usual.outside(sizes) & (sizes > 0)
    return np.flatnonzero(odd), f"usual is {np.ceil(usual.low):,.0f} to {np.floor(usual.high):,.0f}"


def measured(table: pa.Table, roles: Mapping[str, str]) -> Iterator[tuple[str, str, Array]]:
    """Column, unit and size of every row, for each measure of each column."""
    import numpy as np
    import pyarrow.compute as pc

    for column, kind in roles.items():
        if kind == "text":
            texts = pc.fill_null(table[column], "")
            letters = np.asarray(pc.utf8_length(texts), dtype=np.float64)
            # A blank apart, since the rule on white space has been here.
            words = np.asarray(pc.count_substring(texts, " "), dtype=np.float64) + (letters > 0)
            yield column, "characters", letters
            if len(words) and np.median(letters / np.maximum(words, 1)) <= LONG_WORDS:
                yield column, "words", words
        if kind == "tokens":
            yield column, "words", np.asarray(pc.list_value_length(table[column]), dtype=np.float64)
        if kind == "number":
            yield column, VALUE, np.asarray(pc.fill_null(table[column], np.nan), dtype=np.float64)
        if kind == "image":
            from finetune.data.images import sizes

            sides = np.sort(np.array(sizes(table[column].to_pylist()), dtype=np.float64).reshape(-1, 2), axis=1)
            yield column, "pixels on its shorter side", sides[:, 0]
            yield column, "times its shorter side", sides[:, 1] / np.maximum(sides[:, 0], 1)
