"""Predicted numbers against the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finetune.report import canvas
from finetune.report.folder import Run, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 4.4  # inches
ROOM = 0.05  # of the range, left free around the points


def numbers(run: Run) -> canvas.Drawing | None:
    """One point a row: on the diagonal the prediction is right."""
    split, scores = headline(run)
    points = scores.get("points") or []
    if not points:
        return None
    truth, said = zip(*points, strict=True)
    figure = canvas.blank(HEIGHT)
    axes = figure.subplots()
    axes.scatter(truth, said, s=14, color=canvas.ACCENT, alpha=0.45, linewidths=0, zorder=2)
    _diagonal(axes, min(*truth, *said), max(*truth, *said))
    axes.set_xlabel(f"in the data ({split})")
    axes.set_ylabel("prediction")
    shown = f" {len(points):,} rows, evenly drawn." if (scores.get("rows") or 0) > len(points) else ""
    return canvas.Drawing(figure, "Predicted and true numbers",
                          f"One point a row; on the line the prediction is right.{shown}")


def _diagonal(axes: Axes, low: float, high: float) -> None:
    room = ROOM * (high - low) or 1.0
    bounds = (low - room, high + room)
    axes.plot(bounds, bounds, color=canvas.GREY, linewidth=1, zorder=1)
    axes.set_xlim(*bounds)
    axes.set_ylim(*bounds)
