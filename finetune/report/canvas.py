"""The one look of all figures: font, accent and greys, sizes for a page 640 pixels wide, bytes that repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACCENT, INK, GREY = "#1a6aa6", "#2b2f33", "#646b72"
PALE, MIST, FAINT = "#c3c8cd", "#dde1e5", "#eceef0"
WIDTH = 6.0  # inches; the page shows 110 pixels for each
DOTS = 220
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so every machine draws the same
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # a label may hold dollar signs
    "axes.edgecolor": PALE,
    "axes.labelcolor": GREY,
    "axes.labelsize": 9.5,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": PALE, "ytick.color": PALE, "xtick.labelcolor": GREY, "ytick.labelcolor": GREY,
    "xtick.labelsize": 9, "ytick.labelsize": 9,
    "legend.frameon": False, "legend.fontsize": 9, "legend.borderaxespad": 0.2, "legend.handlelength": 1.6,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure in memory and the words that go beside it."""

    figure: Figure
    title: str
    caption: str


@contextmanager
def look() -> Iterator[None]:
    """Draw with matplotlib's own defaults and this style, whatever the user's settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def blank(height: float) -> Figure:
    """An empty figure of the page's width and a height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, file: Path) -> None:
    """Write a PNG; the same figure gives the same bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, format="png", metadata={"Software": None})


def bare(axes: Axes, *, grid: Literal["x", "y"] | None = None) -> None:
    """Take the frame and the tick marks away; `grid` names the axis whose lines stay."""
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    if grid:
        axes.grid(True, axis=grid)


def beside(axes: Axes, text: str, *, place: float, points: float, color: str = INK) -> None:
    """Text in a column right of the axes, its right edge `points` away."""
    axes.annotate(text, (1, place), xycoords=("axes fraction", "data"), xytext=(points, 0),
                  textcoords="offset points", ha="right", va="center_baseline", color=color, fontsize=9,
                  annotation_clip=False)


def at_end(axes: Axes, text: str, *, length: float, place: float) -> None:
    """Text at the end of a horizontal bar."""
    axes.annotate(text, (length, place), xytext=(4, 0), textcoords="offset points", va="center_baseline", fontsize=9)


def legend(axes: Axes, **options: Any) -> None:
    """A legend in one line above the axes, where it hides nothing."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, columnspacing=1.4, **options)


def names(labels: Sequence[str], limit: int = 22) -> list[str]:
    """Labels as a figure can show them: one line, short, drawable, no two alike."""
    shown = [_short(" ".join(label.split()), limit) if drawable(label) else f"#{position}"
             for position, label in enumerate(labels)]
    return [f"{name} #{position}" if shown.count(name) > 1 else name for position, name in enumerate(shown)]


def key(labels: Sequence[str]) -> str:
    """What the numbers stand for that `names` puts in place of labels the font lacks; empty without any."""
    numbered = [f"#{position} {label}" for position, label in enumerate(labels) if not drawable(label)]
    return f" Labels that the font lacks are numbered: {', '.join(numbered)}." if numbered else ""


def drawable(text: str) -> bool:
    """Whether the font has every character of a text."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    return bool(text.strip()) and all(character.isspace() or ord(character) in known for character in text)


def _short(text: str, limit: int) -> str:
    """Keeps both ends: labels of one family often differ in their last word only."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[:limit - tail - 1].rstrip()}{ELLIPSIS}{text[-tail:].lstrip()}"
