"""Quotes that are text: a cell that begins with one swallows the lines up to the next, and the table looks sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from finetune.data.decode import BREAK
from finetune.errors import DataError, some

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile
    from finetune.data.written import Text


def refuse_swallowed(
    text: Text, starts: Sequence[int], *, delimiter: str, width: int, file: TableFile, labels: tuple[int, Any] | None
) -> None:
    """DataError that lists records of several lines, each of which would be a row of its own.

    A line would be one if it has `width` cells and, where `labels` are given (their place, and those of all records),
    the label of some record.
    """
    if starts[0] == 1 and text.num_lines() == starts[-1] == len(starts):
        return  # as many records as lines
    lines = BREAK.split(text.whole())
    ends = [*(start - 1 for start in starts[1:]), len(lines)]
    long = [place for place, (start, end) in enumerate(zip(starts, ends, strict=True)) if end > start]
    if not long or width < 2:
        return
    known = {label.strip() for label in labels[1].unique().to_pylist()} if labels else set()
    found = []
    for place in long:
        inside = [line.split(delimiter) for line in lines[starts[place] - 1:ends[place]] if line]
        fits = len(inside) > 1 and all(len(cells) == width for cells in inside)
        if fits and (not labels or all(cells[labels[0]].strip() in known for cells in inside)):
            found.append((starts[place], len(inside)))
    if found:
        total = sum(count - 1 for _, count in found)
        listed = some([f"{number} ({count} lines)" for number, count in found])
        raise DataError(
            file.key, f"{file.name}:{found[0][0]}: a quote at the start of a cell makes one row of {found[0][1]} "
            f"lines, each of which would be a row of {width} cells. Rows like it: {len(found):,}, {listed}; rows "
            f"swallowed: {total:,}. If quotes are plain text in this file, set data.quotes=literal; if these cells do "
            "have many lines, data.quotes=csv."
        )


def way_out(text: Text, delimiter: str, *, width: int) -> str:
    """The option to name beside broken quotes, where every line would be a row if quotes were text."""
    fits = width > 1 and all(line.count(delimiter) == width - 1 for line in BREAK.split(text.whole()) if line)
    return f" If quotes are plain text, set data.quotes=literal: every line then has {width} cells." if fits else ""
