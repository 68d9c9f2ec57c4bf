"""The figure that lays the splits over each other: one small panel for every measure of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finetune.report import canvas
from finetune.report.folder import Part, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 2
ALIKE = "alike"
LINES = {"train": (canvas.PALE, "solid", 4.5), "validation": (canvas.ACCENT, "solid", 1.4),
         "test": (canvas.INK, (0, (3, 2)), 1.4)}  # color, dashes, width


def splits(run: Run) -> canvas.Drawing | None:
    """The share of rows up to every size, a line per split: where the lines lie together, the splits are alike."""
    measures = [entry for entry in run.quality.get("boxes") or () if len(entry.get("curves") or {}) > 1]
    if not measures:
        return None
    rows, columns = -(-len(measures) // COLUMNS), min(COLUMNS, len(measures))
    figure = canvas.blank(0.35 + 2.3 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, measure in zip(panels, measures, strict=False):
        _panel(axes, measure, verdict=_verdict(run, measure["what"]))
    for axes in panels[len(measures):]:
        axes.axis("off")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return canvas.Drawing(figure, "Are the splits alike?",
                          "Share of rows up to each size. Lines that lie together are splits that are alike; one that "
                          "leaves the others holds other rows.")


def _verdict(run: Run, what: str) -> str:
    """In which splits a measure differs: `train and test differ`, `test differs` from the others, or `alike`."""
    pairs = [entry["splits"] for entry in run.quality.get("distributions") or ()
             if entry.get("what") == what and entry.get("differs")]
    if len(pairs) < 2:
        return f"{' and '.join(pairs[0])} differ" if pairs else ALIKE
    odd = set.intersection(*map(set, pairs))
    return f"{odd.pop()} differs" if odd else "all splits differ"


def _panel(axes: Axes, measure: Part, *, verdict: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    last = 0.0
    for split, values in measure["curves"].items():
        color, dashes, width = LINES.get(split, LINES["test"])
        shares = [step / (len(values) - 1) for step in range(len(values))]
        axes.plot(values, shares, color=color, linestyle=dashes, linewidth=width, label=split)
        last = max(last, values[-3] + (values[-3] - values[0]) * 0.25)  # a single long row would squeeze all others
    first = min(values[0] for values in measure["curves"].values())
    axes.set_xlim(first, last if last > first else None)
    axes.set_ylim(0, 1.02)
    (what,) = canvas.names([measure["what"]], 30)
    axes.set_title(f"{what}\n{verdict}", color=canvas.INK if verdict == ALIKE else canvas.ACCENT, linespacing=1.3)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"))
    canvas.bare(axes, grid="y")
