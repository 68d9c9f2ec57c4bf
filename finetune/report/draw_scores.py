"""Figures of the scores: against the baselines, by label, labels confused, pictures that fooled the model."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from finetune.report import canvas, rounding, thumbnails
from finetune.report.folder import Part, Run, baselines, counted, finite, headline, primary
from finetune.report.names import baseline_name, metric_within
from finetune.report.scales import Scale, scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 25  # labels in one figure
ROOMY = 10  # labels up to which a cell of the confusion matrix has room for count and share
DARK = 0.7  # share of a row from which white reads better than ink on its colour
THUMBNAILS, COLUMNS = 12, 4
PICTURE = "data:image/"


def against_baselines(run: Run) -> canvas.Drawing | None:
    """The model and its baselines on one scale, each with its interval."""
    split, scores = headline(run)
    name, found = primary(run), baselines(run)
    told = scale(name)
    if name not in scores or not found:
        return None
    entries = [("this model", scores[name]), *((baseline_name(line.name), line.score) for line in found)]
    figure = canvas.blank(0.95 + 0.36 * len(entries))
    axes = figure.subplots()
    for place, (_, entry) in enumerate(entries):
        color = canvas.GREY if place else canvas.ACCENT
        value = entry["value"]
        axes.plot([entry.get("low", value), entry.get("high", value)], [place, place], color=color, linewidth=2.2)
        axes.plot([value], [place], marker="o", markersize=7, color=color)
        canvas.beside(axes, told.score(value), place=place, points=44, color=color)
    axes.set_yticks(range(len(entries)), [name for name, _ in entries], color=canvas.INK)
    axes.set_ylim(len(entries) - 0.5, -0.5)
    _score_axis(axes, told)
    axes.set_xlabel(f"{metric_within(name)} on {split}")
    return canvas.Drawing(figure, "Against the baselines", "Lines are 95% intervals over the rows of the split.")


def by_label(run: Run) -> canvas.Drawing | None:
    """F1 of every label, weakest last, and their mean; labels that are decided on by themselves have another figure."""
    split, scores = headline(run)
    scored = [entry for entry in scores.get("per_class") or () if entry.get("support")]
    if not scored or "threshold" in scored[0]:
        return None
    mean = fmean(entry["f1"] for entry in scored)
    ordered = sorted(scored, key=lambda entry: -entry["f1"])[-SHOWN:]
    figure = canvas.blank(0.75 + 0.27 * len(ordered))
    axes = figure.subplots()
    axes.barh(range(len(ordered)), 1, height=0.62, color=canvas.FAINT, zorder=0.4)
    axes.barh(range(len(ordered)), [entry["f1"] for entry in ordered], height=0.62, color=canvas.ACCENT)
    for place, entry in enumerate(ordered):
        canvas.beside(axes, rounding.percent(entry["f1"]), place=place, points=44)
        canvas.beside(axes, f"{entry['support']:,}", place=place, points=86, color=canvas.GREY)
    canvas.beside(axes, "F1", place=-1, points=44, color=canvas.GREY)
    canvas.beside(axes, rounding.plurals(counted(ordered[0])), place=-1, points=86, color=canvas.GREY)
    axes.axvline(mean, color=canvas.INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.6,
                 label=f"mean F1 {rounding.percent(mean)}")
    labels = [entry["label"] for entry in ordered]
    axes.set_yticks(range(len(ordered)), canvas.names(labels), color=canvas.INK)
    axes.set_ylim(len(ordered) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    canvas.bare(axes)
    canvas.legend(axes)
    note = f" The {SHOWN} weakest of {len(scored)} labels." if len(scored) > SHOWN else ""
    caption = f"On {split} rows, strongest first; a full bar is 100%."
    return canvas.Drawing(figure, "F1 by label", f"{caption}{note}{canvas.key(labels)}")


def confusion(run: Run) -> canvas.Drawing | None:
    """Truth against prediction; colour is the share of the true label's rows."""
    split, scores = headline(run)
    labels, counts = list(run.metrics.get("labels") or ()), scores.get("confusion") or []
    if not counts or len(counts) != len(labels):
        return None
    shown = _most_confused(counts) if len(labels) > SHOWN else list(range(len(labels)))
    shares = [[counts[row][column] / max(sum(counts[row]), 1) for column in shown] for row in shown]
    picked = [labels[position] for position in shown]
    figure = canvas.blank(min(6.6, 1.6 + 0.52 * len(shown)))
    axes = figure.subplots()
    _cells(axes, [[counts[row][column] for column in shown] for row in shown], shares=shares)
    _name_cells(axes, canvas.names(picked, 18))
    note = (f" The {SHOWN} most confused of {len(labels)} labels; shares are of all rows of a label."
            if len(labels) > SHOWN else "")
    what = "counts and shares" if len(shown) <= ROOMY else "counts; colour is the share"
    caption = f"Rows are the truth, columns what the model said: {what} of the true label's {split} rows."
    return canvas.Drawing(figure, "Which labels are confused", f"{caption}{note}{canvas.key(picked)}")


def mistakes(run: Run) -> canvas.Drawing | None:
    """The pictures on which the model was most sure and wrong; texts are a table in the page instead."""
    lines = [line for line in run.mistakes if str(line.get("image", "")).startswith(PICTURE)][:THUMBNAILS]
    if not lines:
        return None
    rows = -(-len(lines) // COLUMNS)
    figure = canvas.blank(1.92 * rows)
    panels = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
    for axes in panels:
        axes.axis("off")
    for axes, line in zip(panels, lines, strict=False):
        _thumbnail(axes, line)
    return canvas.Drawing(figure, of_mistakes(run),
                          "Above each test picture: what the model said and how sure it was; then what is in the data. "
                          "Where the model is right, the label in the data is wrong.")


def of_mistakes(run: Run) -> str:
    """What the worst test rows are called: a number is not given with a probability."""
    known = any(finite(line.get("probability")) for line in run.mistakes)
    return "Most confident mistakes" if known else "Furthest off"


def _score_axis(axes: Axes, told: Scale) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: told.score(value).replace(".0%", "%")))
    canvas.bare(axes, grid="x")


def _most_confused(counts: Sequence[Sequence[int]]) -> list[int]:
    """Positions of the labels with the most wrong rows, missed or wrongly given, in label order."""
    def wrong(place: int) -> int:
        return sum(counts[place]) + sum(row[place] for row in counts) - 2 * counts[place][place]

    ranked = sorted(range(len(counts)), key=lambda place: (-wrong(place), place))
    return sorted(ranked[:SHOWN])


def _cells(axes: Axes, counts: Sequence[Sequence[int]], *, shares: Sequence[Sequence[float]]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("accent", ["#ffffff", canvas.ACCENT])
    axes.pcolormesh(shares, cmap=colors, vmin=0, vmax=1, edgecolors=canvas.FAINT, linewidth=0.6)
    roomy = len(counts) <= ROOMY
    for row, line in enumerate(counts):
        for column, number in enumerate(line):
            if not number:
                continue
            share = shares[row][column]
            text = f"{number:,}\n{_whole_percent(share)}" if roomy else _brief(number)
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", linespacing=1.25,
                      fontsize=8.5 if roomy else 6.5, color="white" if share > DARK else canvas.INK)


def _name_cells(axes: Axes, names: Sequence[str]) -> None:
    places = [place + 0.5 for place in range(len(names))]
    upright = max(len(name) for name in names) * len(names) > 56  # names side by side would run into each other
    axes.set_yticks(places, names, color=canvas.INK)
    axes.set_xticks(places, names, color=canvas.INK, rotation=90 if upright else 0)
    axes.set_ylabel("truth")
    axes.set_xlabel("prediction", labelpad=8)
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    axes.invert_yaxis()
    canvas.bare(axes)


def _whole_percent(share: float) -> str:
    return "<1%" if share < 0.005 else f"{share:.0%}"


def _brief(number: int) -> str:
    return str(number) if number < 1000 else f"{number / 1000:.1f}k" if number < 10_000 else f"{number // 1000}k"


def _thumbnail(axes: Axes, line: Part) -> None:
    picture = thumbnails.square(str(line["image"]))
    if picture is None:
        axes.text(0.5, 0.5, "unreadable", ha="center", va="center", color=canvas.GREY)
        axes.set_aspect("equal")
    else:
        axes.imshow(picture)
    truth, said = canvas.names([str(line.get("label")), str(line.get("prediction"))], 15)
    sure = f", {_whole_percent(line['probability'])}" if finite(line.get("probability")) else ""
    axes.set_title(f"{said}{sure}\nlabel: {truth}", fontsize=8.5, loc="center", linespacing=1.3)
