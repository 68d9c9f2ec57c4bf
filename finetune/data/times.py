"""Columns of times, as people write them, and the cut that makes the newest rows validation and test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

KEY = "data.columns.time"
ALLOWED = "dates (2024-04-03, 2024-04-03 17:05, 3 April 2024, 03.04.2024) and numbers (years, seconds)"

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_POINTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(.*)")  # day first, wherever dates are written so
_SLASHES = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})(.*)")  # day or month first
_WORDS = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%a %d %b %Y", "%A %d %B %Y")
_HALF_DAYS = ("%I:%M %p", "%I:%M:%S %p")
_CLOCK = re.compile(r"(.*?)[ ,T]+(\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)\s*([AaPp][Mm])?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?")


def instants(cells: Sequence[str | None], rows: Sequence[str]) -> list[float]:
    """When each cell was: seconds, or the number itself where all cells are numbers; later is larger.

    Raises DataError for cells that are no time, for dates of which nobody knows whether day or month comes first, and
    where only some name a time zone.
    """
    distinct = dict.fromkeys(cells)
    if all(cell is not None and _NUMBER.fullmatch(cell) for cell in distinct):
        return [float(cell or 0) for cell in cells]
    plain = _day_first(cells, rows)
    found = {cell: _moment(plain.get(cell, cell)) if cell else None for cell in distinct}
    bad = [f"{row} {'(empty)' if cell is None else repr(cell[:40])}" for row, cell in zip(rows, cells, strict=True)
           if found[cell] is None]
    if bad:
        raise DataError(KEY, f"{len(bad):,} of {len(cells):,} rows have no time that can be read: {some(bad)}. Allowed "
                             f"are {ALLOWED}. Correct or remove them.")
    moments = {cell: moment for cell, moment in found.items() if moment is not None}
    zoned = [cell for cell, moment in moments.items() if moment.tzinfo is not None]
    if 0 < len(zoned) < len(moments):
        bare = next(cell for cell, moment in moments.items() if moment.tzinfo is None)
        raise DataError(KEY, f"some times name their zone and others do not: {zoned[0]!r} and {bare!r}. Which is later "
                             "cannot be told. Write all of them one way.")
    seconds = {cell: (moment if zoned else moment.replace(tzinfo=UTC)).timestamp() for cell, moment in moments.items()}
    return [seconds[cell] for cell in cells]


def cut(table: pa.Table, shares: Mapping[str, float]) -> tuple[dict[str, pa.Table], dict[str, str]]:
    """`train` and one split per entry of `shares`, and the first time in each of the latter as its cell has it.

    The newest rows are test, the next newest validation. Rows of one time are never parted, so a split is as near to
    its share as they allow. Raises DataError where there are fewer times than splits.
    """
    import numpy as np

    when = np.array(instants(table["time"].to_pylist(), table["row"].to_pylist()))
    times, counts = np.unique(when, return_counts=True)
    if len(times) <= len(shares):
        raise DataError(KEY, f"{len(times):,} different times found, {len(shares) + 1} splits need one each. Add rows "
                             "of other times, or leave it out.")
    older = np.concatenate([[0], np.cumsum(counts)])  # rows before each time
    end, splits, since = len(times), {}, {}
    asked = [split for split in ("test", "validation") if split in shares]
    for place, split in enumerate(asked):
        wanted = older[end] - shares[split] * len(when)
        first_free = len(asked) - place  # one time each for what is older
        start = first_free + int(np.argmin(np.abs(older[first_free:end] - wanted)))
        splits[split] = table.filter((when >= times[start]) & (when <= times[end - 1]))
        since[split] = table["time"][int(np.flatnonzero(when == times[start])[0])].as_py()
        end = start
    return {"train": table.filter(when < times[end])} | {split: splits[split] for split in shares}, since


def _day_first(cells: Sequence[str | None], rows: Sequence[str]) -> dict[str, str]:
    """Dates in figures with the year last, by the cell, as ISO writes them."""
    distinct = [cell for cell in dict.fromkeys(cells) if cell]
    points = {cell: match for cell in distinct if (match := _POINTS.fullmatch(cell))}
    slashes = {cell: match for cell in distinct if (match := _SLASHES.fullmatch(cell))}
    days = [cell for cell, match in slashes.items() if int(match[1]) > 12]
    months = [cell for cell, match in slashes.items() if int(match[3]) > 12]
    if slashes and bool(days) == bool(months):
        named = [f"{cell!r} ({rows[cells.index(cell)]})" for cell in (*days[:1], *months[:1], *slashes)]
        what = (f"{named[0]} has the day first, but {named[1]} the month" if days else
                f"{named[0]} and all dates like it can be read with the day or the month first")
        raise DataError(KEY, f"{what}. Write dates as 2024-04-03.")
    iso = {cell: f"{match[3]}-{match[2]:0>2}-{match[1]:0>2}{match[4]}" for cell, match in points.items()}
    for cell, match in slashes.items():
        day, month = (match[1], match[3]) if days else (match[3], match[1])
        iso[cell] = f"{match[4]}-{month:0>2}-{day:0>2}{match[5]}"
    return iso


def _moment(text: str | None) -> datetime | None:
    """A time as ISO or in words of English, or None where it is neither."""
    spelt = re.sub(r"^(\d{4})[/.](\d\d?)[/.](\d\d?)\b", _padded, re.sub(r"\s+", " ", (text or "").strip()))
    if (found := _iso(spelt)) is not None:
        return found
    clock = _CLOCK.fullmatch(spelt)
    date = clock[1] if clock else spelt
    day = _iso(date) or _strptime(re.sub(r"[,.]", "", date), *_WORDS)
    if clock is None or day is None:
        return day
    time = _strptime(f"{clock[2]} {clock[3]}", *_HALF_DAYS) if clock[3] else _iso(f"{day:%Y-%m-%d}T{clock[2]:0>5}")
    zone = "+00:00" if clock[4] in ("Z", "UTC", "GMT") else clock[4] or ""
    return time and _iso(f"{day:%Y-%m-%d}T{time:%H:%M:%S.%f}{zone}")


def _padded(match: re.Match[str]) -> str:
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}"


def _iso(text: str) -> datetime | None:
    if re.fullmatch(r"\d{4}-\d\d", text):
        text += "-01"
    try:
        return datetime.fromisoformat(text) if "-" in text[4:5] else None
    except ValueError:
        return None


def _strptime(text: str, *formats: str) -> datetime | None:
    for spelling in formats:
        try:
            return datetime.strptime(text, spelling)  # the zone is added where one is named
        except ValueError:
            continue
    return None
