"""Figures of the rows: labels before and after cleaning, lengths of the texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from finetune.report import canvas, rounding
from finetune.report.folder import Part, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 24  # labels in one figure


def balance(run: Run) -> canvas.Drawing | None:
    """Rows per label and split; the grey bar behind is the count before cleaning."""
    splits = {part: counts for part, counts in (run.quality.get("classes") or {}).items() if counts}
    if not splits:
        return None
    labels = _labels(run, splits)
    shown, note = _largest_and_smallest(labels, next(iter(splits.values())))
    figure = canvas.blank(0.55 + 0.29 * len(shown))
    panels = figure.subplots(1, len(splits), sharey=True, squeeze=False)[0]
    for axes, (part, counts) in zip(panels, splits.items(), strict=True):
        _bars(axes, part, counts=counts, shown=shown)
    panels[0].set_yticks(range(len(shown)), canvas.names(shown), color=canvas.INK)
    panels[0].set_ylim(len(shown) - 0.5, -0.5)
    caption = "Rows per label that each split kept; grey behind them, what cleaning took away."
    return canvas.Drawing(figure, "Labels before and after cleaning", f"{caption}{note}{canvas.key(shown)}")


def lengths(run: Run) -> canvas.Drawing | None:
    """How long the rows are, and what lies beyond the cut."""
    found = run.quality.get("lengths") or {}
    edges, counts = found.get("edges") or [], found.get("counts") or []
    if not counts or len(edges) != len(counts) + 1:
        return None
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    limit, unit, cut = found.get("max"), found.get("unit", "tokens"), found.get("truncated") or 0
    figure = canvas.blank(2.7)
    axes = figure.subplots()
    colors = [canvas.ACCENT if limit is not None and left > limit else canvas.PALE for left in edges[:-1]]
    widths = [right - left for left, right in pairwise(edges)]
    axes.bar(edges[:-1], counts, width=widths, align="edge", color=colors, edgecolor="white", linewidth=0.6)
    near = limit is not None and edges[-1] >= 0.5 * limit  # a cut far to the right would squeeze the bars
    if limit is not None and near:
        axes.axvline(limit + 0.5, color=canvas.ACCENT, linewidth=1.4,
                     label=f"cut at {limit:,} {unit}: {rounding.plural(cut, 'longer row')}")
        canvas.legend(axes)
    axes.set_title("rows")
    axes.set_xlabel(f"{unit} per row")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    canvas.bare(axes, grid="y")
    axes.margins(x=0.01)
    return canvas.Drawing(figure, "Lengths", _length_caption(found, sum(counts), near=near))


def _length_caption(found: Part, total: int, *, near: bool) -> str:
    unit, limit, cut = found.get("unit", "tokens"), found.get("max"), found.get("truncated") or 0
    if cut:
        return (f"{cut:,} of {rounding.plural(total, 'row')} ({rounding.share(cut, total)}) are longer than {limit:,} "
                f"{unit}; the model never sees the rest of them.")
    if limit is None:
        return f"{rounding.plural(total, 'row')}, none of them cut."
    longest = f", and the longest have {found.get('longest', found['edges'][-1]):,.0f}" if not near else ""
    return f"No row is longer than the cut at {limit:,} {unit}{longest}."


def _bars(axes: Axes, part: str, *, counts: Part, shown: Sequence[str]) -> None:
    places = range(len(shown))
    kept = [_kept(counts, label) for label in shown]
    full = [max((counts.get(label) or {}).get("before", 0), count) for label, count in zip(shown, kept, strict=True)]
    axes.barh(places, full, height=0.62, color=canvas.PALE)
    axes.barh(places, kept, height=0.62, color=canvas.ACCENT)
    for place, width, count in zip(places, full, kept, strict=True):
        canvas.at_end(axes, f"{count:,}", length=width, place=place)
    axes.set_title(f"{part} ({sum(_kept(counts, label) for label in counts):,})")
    axes.set_xlim(0, 1.32 * max([*full, 1]))
    axes.set_xticks([])
    canvas.bare(axes)


def _kept(counts: Part, label: str) -> int:
    return int((counts.get(label) or {}).get("after", 0))


def _labels(run: Run, splits: Mapping[str, Part]) -> list[str]:
    """The task's order of labels, then any that cleaning saw but the model did not learn."""
    known = list(run.metrics.get("labels") or ())
    seen = {label for counts in splits.values() for label in counts}
    return known + sorted(seen - set(known))


def _largest_and_smallest(labels: Sequence[str], counts: Part) -> tuple[list[str], str]:
    if len(labels) <= SHOWN:
        return list(labels), ""
    ordered = sorted(labels, key=lambda label: -_kept(counts, label))
    half = SHOWN // 2
    return ordered[:half] + ordered[-half:], f" The {half} largest and the {half} smallest of {len(labels)} labels."
