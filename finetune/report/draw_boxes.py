"""The figure of sizes: a box plot for every split and for every label of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finetune.report import canvas, rounding
from finetune.report.folder import Part, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 16  # labels in the figure
LETTERS = 54  # of all titles side by side
WIDE = 8  # times the upper quartile: where the largest lies beyond, the scale is logarithmic


def boxes(run: Run) -> canvas.Drawing | None:
    """One panel per measure, a line per split and label; dots are the least and the largest row beyond the whiskers."""
    measures = [entry for entry in run.quality.get("boxes") or () if entry.get("groups")][:4]
    if not measures:
        return None
    names, note = _groups(measures, list((run.quality.get("classes") or {}).get("train") or ()))
    columns = len(measures) if len(measures) < 4 else 2
    rows = -(-len(measures) // columns)
    figure = canvas.blank(rows * (0.75 + 0.27 * len(names)))
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    titles = canvas.names([entry["what"] for entry in measures], LETTERS // columns)
    for axes, measure, title in zip(panels, measures, titles, strict=True):
        _panel(axes, measure, names=names, title=title)
    labels = [label for _, label in names if label is not None]
    shown = [split for split, label in names if label is None] + canvas.names(labels, 18)
    for axes in panels[::columns]:
        axes.set_yticks(range(len(names)), shown, color=canvas.INK)
        axes.set_ylim(len(names) - 0.5, -0.5)
    beyond = sum(group["below"] + group["above"] for measure in measures for group in measure["groups"]
                 if group["label"] is None)
    outside = f"Beyond: {rounding.plural(beyond, 'size')}; dots mark the farthest." if beyond else "None lies beyond."
    caption = ("A box holds the middle half of the rows, with the median in it; whiskers end at the last row within "
               f"1.5 box lengths. {outside}")
    split = " Below the splits: the labels of the training rows." if labels else ""
    pictures = any("brightness" in entry["what"] for entry in measures)
    units = " Sides are in pixels, aspect is the longer side to the shorter." if pictures else ""
    return canvas.Drawing(figure, "Sizes by split and label", f"{caption}{split}{note}{units}{canvas.key(labels)}")


def _groups(measures: Sequence[Part], known: Sequence[str]) -> tuple[list[tuple[str, str | None]], str]:
    """Split and label of every line: the splits, then the labels as other figures have them, the most frequent only."""
    keys = list(dict.fromkeys((group["split"], group["label"]) for entry in measures for group in entry["groups"]))
    splits, labels = ([key for key in keys if (key[1] is None) == whole] for whole in (True, False))
    note = f" The {SHOWN} most frequent of {len(labels)} labels." if len(labels) > SHOWN else ""
    place = {label: position for position, label in enumerate(known)}
    return splits + sorted(labels[:SHOWN], key=lambda key: place.get(str(key[1]), len(place))), note


def _panel(axes: Axes, measure: Part, *, names: Sequence[tuple[str, str | None]], title: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    groups = {(group["split"], group["label"]): group for group in measure["groups"]}
    for place, name in enumerate(names):
        if name in groups:
            _box(axes, groups[name], place=place, color=canvas.GREY if name[1] is None else canvas.ACCENT)
    least = min(group["least"] for group in groups.values())
    if least > 0 and any(group["most"] > WIDE * group["q3"] for group in groups.values()):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(10, numticks=4))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"))
    axes.set_title(title)
    canvas.bare(axes, grid="x")


def _box(axes: Axes, group: Part, *, place: int, color: str) -> None:
    axes.plot([group["low"], group["high"]], [place, place], color=color, linewidth=1.1)
    axes.barh(place, group["q3"] - group["q1"], left=group["q1"], height=0.56, color=canvas.MIST, edgecolor=color,
              linewidth=1.1, zorder=2)
    axes.plot([group["median"]] * 2, [place - 0.28, place + 0.28], color=color, linewidth=2.2, zorder=3,
              solid_capstyle="butt")
    ends = [group[end] for end, number in (("least", "below"), ("most", "above")) if group[number]]
    axes.plot(ends, [place] * len(ends), linestyle="none", marker="o", markersize=3.2, color=color, zorder=3)
