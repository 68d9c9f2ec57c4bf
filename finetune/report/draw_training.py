"""The figure of the training itself: losses and the primary score over epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finetune.report import canvas
from finetune.report.folder import Part, Run, events, finite, primary
from finetune.report.names import metric_within
from finetune.report.scales import SHARE, scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTHED = 40  # the running mean spans this part of the steps


def curves(run: Run) -> canvas.Drawing | None:
    """Training and validation loss above, the primary score on validation below, the best evaluation marked."""
    steps, evaluations = events(run, "step"), events(run, "eval")
    if not steps and not evaluations:
        return None
    from matplotlib.ticker import MaxNLocator

    name = primary(run)
    scored = [line for line in evaluations if finite(line.get("scores", {}).get(name))]
    best = next((line for line in reversed(scored) if line.get("best")), None)
    figure = canvas.blank(4.6 if scored else 2.6)
    panels = figure.subplots(2 if scored else 1, 1, sharex=True, squeeze=False)[:, 0]
    unit = "epoch" if all("epoch" in line for line in [*steps, *evaluations]) else "step"
    _losses(panels[0], steps, evaluations=evaluations, unit=unit)
    if scored:
        _scores(panels[1], scored, name=name, unit=unit, best=best)
    for axes in panels:
        if best:
            axes.axvline(best[unit], color=canvas.GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.margins(x=0.02)
    panels[-1].set_xlabel(unit)
    panels[-1].xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=panels[-1].get_xlim()[1] > 3))
    return canvas.Drawing(figure, "How training went", _caption(metric_within(name) if scored else "", best=best))


def _losses(axes: Axes, steps: Sequence[Part], *, evaluations: Sequence[Part], unit: str) -> None:
    if steps:
        values = [line["loss"] for line in steps]
        place = [line[unit] for line in steps]
        axes.plot(place, values, color=canvas.MIST, linewidth=0.8)
        axes.plot(place, _smooth(values), color=canvas.GREY, linewidth=1.1, label="training, smoothed")
        axes.set_ylim(*_span([*_smooth(values), *(line["loss"] for line in evaluations)]))
    if evaluations:
        axes.plot([line[unit] for line in evaluations], [line["loss"] for line in evaluations], color=canvas.ACCENT,
                  marker="o", markersize=4, label="validation")
    _dress(axes, "loss")


def _scores(axes: Axes, scored: Sequence[Part], *, name: str, unit: str, best: Part | None) -> None:
    from matplotlib.ticker import FuncFormatter

    told, values = scale(name), [line["scores"][name] for line in scored]
    low, high = _span(values)
    axes.set_ylim(low, min(high, 1 + 0.04 * (1 - low)) if told is SHARE else high)  # the marker of a 1 is seen whole
    axes.plot([line[unit] for line in scored], values, color=canvas.ACCENT, marker="o", markersize=4,
              label="validation")
    if best:
        axes.plot([best[unit]], [best["scores"][name]], linestyle="none", marker="o", markersize=9, color=canvas.ACCENT,
                  markerfacecolor="white", markeredgewidth=1.8,
                  label=f"best: {told.score(best['scores'][name])} at step {best['step']:,}")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: told.score(value)))
    _dress(axes, metric_within(name))


def _dress(axes: Axes, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    canvas.bare(axes, grid="y")
    canvas.legend(axes)


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Limits that the smoothed lines set; a single outlying step may leave the picture."""
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.1
    return max(0.0, low - room) if low >= 0 else low - room, high + room


def _smooth(values: Sequence[float]) -> list[float]:
    """A centred running mean; it keeps its place in time, unlike an exponential one."""
    reach = max(1, len(values) // SMOOTHED) if len(values) > 4 else 0
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    edges = [(max(0, place - reach), min(len(values), place + reach + 1)) for place in range(len(values))]
    return [(sums[end] - sums[start]) / (end - start) for start, end in edges]


def _caption(name: str, *, best: Part | None) -> str:
    if not name:
        return "Loss at every optimizer step; the pale line is unsmoothed."
    caption = f"Above: loss; the pale line is the unsmoothed training loss. Below: {name} on validation."
    return f"{caption} The dashed line marks the model that was kept." if best else caption
