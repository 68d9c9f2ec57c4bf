"""What the model sees: training pictures as they are and as it was given them, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finetune.report import canvas, thumbnails
from finetune.report.folder import Part, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_COLUMNS = 5  # or the pictures of a short training would fill the page


def seen(run: Run) -> canvas.Drawing | None:
    """One line a row: the picture, then what became of it; texts are a table in the page instead."""
    rows = [row for row in run.augmented.get("rows") or () if "image" in row]
    if not rows:
        return None
    columns = max(FEWEST_COLUMNS, 1 + max(len(row.get("versions") or ()) for row in rows))
    figure = canvas.blank(0.3 + (6.0 / columns + 0.2) * len(rows))
    panels = figure.subplots(len(rows), columns, squeeze=False)
    for axes in panels.flatten():
        axes.axis("off")
    for line, row in zip(panels, rows, strict=True):
        _picture(line[0], row, below=canvas.names([str(row.get("label"))], 14)[0])
        for axes, version in zip(line[1:], row.get("versions") or (), strict=False):
            _picture(axes, version, below=_mixed(version))
    panels[0][0].set_title("as it is", loc="center", fontsize=9)
    for axes, version in zip(panels[0][1:], rows[0].get("versions") or (), strict=False):
        axes.set_title(f"epoch {version.get('epoch')}", loc="center", fontsize=9)
    names = ", ".join(map(str, run.augmented.get("changes") or ()))
    mixed = (" Below a mixed picture: the second label that it carries, and the share of it."
             if "mixup" in names or "cutmix" in names else "")
    return canvas.Drawing(figure, "What the model sees", f"Training pictures as they are and as the model was given "
                                                         f"them, at its own input size ({names}).{mixed}")


def _picture(axes: Axes, part: Part, *, below: str) -> None:
    picture = thumbnails.square(str(part.get("image")))
    if picture is None:
        axes.text(0.5, 0.5, "unreadable", ha="center", va="center", color=canvas.GREY)
    else:
        axes.imshow(picture)
    axes.text(0.5, -0.03, below, transform=axes.transAxes, ha="center", va="top", fontsize=8.5, color=canvas.GREY)


def _mixed(version: Part) -> str:
    if "share" not in version:
        return ""
    return f"{1 - version['share']:.0%} {canvas.names([str(version.get('other'))], 9)[0]}"
