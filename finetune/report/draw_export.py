"""The figure of the exported models: what they weigh and how fast they answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finetune.report import canvas, rounding
from finetune.report.folder import Part, Run, deployed, finite, withheld
from finetune.report.names import artifact_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def sizes_and_latencies(run: Run) -> canvas.Drawing | None:
    """Size and median latency of every artifact, side by side."""
    artifacts = [line for line in run.export.get("artifacts") or () if line.get("name")]
    measures = {title: key for title, key in (("size in MiB", "size_mib"), ("median latency in ms", "latency_ms_p50"))
                if any(finite(line.get(key)) for line in artifacts)}
    if not measures:
        return None
    figure = canvas.blank(0.7 + 0.36 * len(artifacts))
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for axes, (title, key) in zip(panels, measures.items(), strict=True):
        axes.set_title(title)
        _bars(axes, [line.get(key) for line in artifacts],
              colors=[canvas.ACCENT if line is deployed(run) else canvas.PALE for line in artifacts])
    panels[0].set_yticks(range(len(artifacts)), [_name(line) for line in artifacts], color=canvas.INK)
    panels[0].set_ylim(len(artifacts) - 0.5, -0.5)
    chosen = "; the coloured model is the one to deploy" if deployed(run) else ""
    return canvas.Drawing(figure, "Exported models", f"Shorter is better on both sides{chosen}.")


def _name(line: Part) -> str:
    return artifact_name(str(line["name"])) + ("\n(withheld)" if withheld(line) else "")


def _bars(axes: Axes, values: Sequence[float | None], *, colors: Sequence[str]) -> None:
    lengths = [value if finite(value) else 0 for value in values]
    axes.barh(range(len(values)), lengths, height=0.6, color=colors)
    for place, (length, value) in enumerate(zip(lengths, values, strict=True)):
        canvas.at_end(axes, rounding.amount(value), length=length, place=place)
    axes.set_xlim(0, 1.3 * max([*lengths, 1e-9]))
    axes.set_xticks([])
    canvas.bare(axes)
