"""All figures of a run, in the order in which a reader wants them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from finetune.report import (
    canvas,
    draw_boxes,
    draw_data,
    draw_decisions,
    draw_export,
    draw_numbers,
    draw_scores,
    draw_seen,
    draw_splits,
    draw_texts,
    draw_training,
)
from finetune.report.folder import read

DRAWN = {
    "training": draw_training.curves,
    "baselines": draw_scores.against_baselines,
    "confusion": draw_scores.confusion,
    "labels": draw_scores.by_label,
    "each_label": draw_decisions.each_label,
    "curve": draw_decisions.curve,
    "numbers": draw_numbers.numbers,
    "texts": draw_texts.texts,
    "mistakes": draw_scores.mistakes,
    "balance": draw_data.balance,
    "lengths": draw_data.lengths,
    "boxes": draw_boxes.boxes,
    "splits": draw_splits.splits,
    "augmentation": draw_seen.seen,
    "export": draw_export.sizes_and_speeds,
}
OF_ROWS = ("balance", "lengths", "boxes", "splits")  # what the rows are, not what the model made of them


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture on disk and the words beside it."""

    file: Path
    title: str
    caption: str


def draw(run_dir: Path) -> list[Figure]:
    """PNG files under `figures/` of the run folder, one for every part that the run has."""
    run = read(run_dir)
    found = []
    with canvas.look():
        for name, make in DRAWN.items():
            drawn = make(run)
            if drawn is None:
                continue
            file = run_dir / "figures" / f"{name}.png"
            canvas.save(drawn.figure, file)
            found.append(Figure(file, drawn.title, drawn.caption))
    return found
