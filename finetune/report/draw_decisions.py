"""How labels are decided on: every label by itself where rows have several, and one label against its threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from finetune.report import canvas, rounding
from finetune.report.folder import Run, headline, several

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 20  # labels in one figure
HEIGHT = 3.6  # inches
BAR = 0.24  # of the room of a label
PARTS = {"precision": canvas.PALE, "recall": canvas.GREY, "f1": canvas.ACCENT}


def each_label(run: Run) -> canvas.Drawing | None:
    """Precision, recall and F1 of every label, strongest first, with its rows and threshold."""
    split, scores = headline(run)
    found = [entry for entry in several(scores) if entry.get("support")]
    if not found:
        return None
    shown = sorted(found, key=lambda entry: -entry["f1"])[-SHOWN:]
    figure = canvas.blank(1.0 + 0.46 * len(shown))
    axes = figure.subplots()
    for row, (name, color) in enumerate(PARTS.items()):
        places = [place + (row - 1) * BAR for place in range(len(shown))]
        axes.barh(places, [entry[name] for entry in shown], height=BAR * 0.86, color=color,
                  label="F1" if name == "f1" else name)
    _beside(axes, shown)
    labels = [entry["label"] for entry in shown]
    axes.set_yticks(range(len(shown)), canvas.names(labels), color=canvas.INK)
    axes.set_ylim(len(shown) - 0.4, -0.9)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"])
    canvas.bare(axes, grid="x")
    canvas.legend(axes)
    note = f" The {SHOWN} weakest of {len(found)} labels." if len(found) > SHOWN else ""
    return canvas.Drawing(figure, "Every label by itself",
                          f"On {split} rows. A row has a label from the threshold on, which was chosen on validation "
                          f"rows.{note}{canvas.key(labels)}")


def curve(run: Run) -> canvas.Drawing | None:
    """Precision over recall of the label that is looked for, and where the threshold cuts."""
    split, scores = headline(run)
    found = scores.get("precision_recall") or {}
    if not found.get("recall"):
        return None
    figure = canvas.blank(HEIGHT)
    axes = figure.subplots()
    axes.step([0, *found["recall"]], [found["precision"][0], *found["precision"]], where="pre", color=canvas.ACCENT)
    recall, precision = found["at"]
    axes.plot([recall], [precision], marker="o", markersize=7, color=canvas.INK, clip_on=False, zorder=3,
              label=f"as deployed: recall {rounding.percent(recall)}, precision {rounding.percent(precision)}")
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.02)
    ticks = {0: "0%", 0.25: "25%", 0.5: "50%", 0.75: "75%", 1: "100%"}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_yticks(list(ticks)[1:], list(ticks.values())[1:])  # the two zeros would stand in each other's way
    axes.set_xlabel(f"recall: share of the label's {split} rows that are found")
    axes.set_ylabel("precision: share of the found that are right")
    canvas.bare(axes, grid="y")
    canvas.legend(axes)
    (name,) = canvas.names([str(found["label"])])
    return canvas.Drawing(figure, f"Finding {name}",
                          "Every point of the line is a threshold; the dot is the one in use, chosen on validation "
                          f"rows.{canvas.key([str(found['label'])])}")


def _beside(axes: Axes, shown: Sequence[Mapping[str, Any]]) -> None:
    """Rows and threshold of every label, right of its bars."""
    for place, entry in enumerate(shown):
        canvas.beside(axes, f"{entry['support']:,}", place=place, points=44, color=canvas.GREY)
        canvas.beside(axes, f"{entry['threshold']:.2f}", place=place, points=102, color=canvas.GREY)
    for text, points in (("rows", 44), ("threshold", 102)):
        canvas.beside(axes, text, place=-0.7, points=points, color=canvas.GREY)
