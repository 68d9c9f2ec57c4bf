"""What was written against the references: how close, and how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finetune.report import canvas
from finetune.report.folder import Run, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 2.6  # inches


def texts(run: Run) -> canvas.Drawing | None:
    """Rows by their ROUGE-L, and by the number of words of prediction and reference."""
    split, scores = headline(run)
    counts = scores.get("texts") or {}
    if not counts.get("rougeL_tenths"):
        return None
    figure = canvas.blank(HEIGHT)
    close, long = figure.subplots(1, 2)
    _bars(close, counts["rougeL_tenths"])
    _steps(long, counts["words_reference"], counts["words_predicted"])
    close.set_ylabel(f"{split} rows")
    return canvas.Drawing(figure, "Written and expected texts",
                          "Left: rows by ROUGE-L, which is 1 where both texts have the same words in the same order. "
                          "Right: rows by number of words.")


def _bars(axes: Axes, counts: Sequence[int]) -> None:
    axes.bar([(place + 0.5) / len(counts) for place in range(len(counts))], counts, width=0.9 / len(counts),
             color=canvas.ACCENT)
    axes.set_xlim(0, 1)
    axes.set_xlabel("ROUGE-L")


def _steps(axes: Axes, expected: Sequence[int], written: Sequence[int]) -> None:
    for counts, color, name in ((expected, canvas.GREY, "reference"), (written, canvas.ACCENT, "written")):
        axes.stairs(counts, color=color, linewidth=1.6, label=name)
    axes.set_xlabel("words")
    canvas.legend(axes)
