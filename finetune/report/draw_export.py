"""The figure of the exported models: what they weigh and how fast they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from finetune.report import canvas, rounding
from finetune.report.folder import Part, Run, deployed, finite, published
from finetune.report.names import artifact_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MEASURES = {"size in MiB": "size_mib", "latency in ms": "latency_ms_p50", "rows a second": "rows_per_second"}


def sizes_and_speeds(run: Run) -> canvas.Drawing | None:
    """Size, latency of single rows, and rows a second of every artifact, side by side."""
    artifacts = [line for line in run.export.get("artifacts") or () if line.get("name")]
    measures = {title: key for title, key in MEASURES.items() if any(finite(line.get(key)) for line in artifacts)}
    if not measures:
        return None
    figure = canvas.blank(0.7 + 0.36 * len(artifacts))
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for axes, (title, key) in zip(panels, measures.items(), strict=True):
        axes.set_title(title)
        ends = [line.get("latency_ms_p95") if key == "latency_ms_p50" else None for line in artifacts]
        _bars(axes, [line.get(key) for line in artifacts], ends=ends,
              colors=[canvas.ACCENT if line is deployed(run) else canvas.PALE for line in artifacts])
    panels[0].set_yticks(range(len(artifacts)), [_name(line) for line in artifacts], color=canvas.INK)
    panels[0].set_ylim(len(artifacts) - 0.5, -0.5)
    return canvas.Drawing(figure, "Exported models", _caption(run, artifacts, measures=measures))


def _caption(run: Run, artifacts: Sequence[Part], *, measures: Mapping[str, str]) -> str:
    parts = ["Latency is the median of single rows of all lengths"]
    if any(finite(line.get("latency_ms_p95")) for line in artifacts):
        parts[0] += ", and the line ends where 95% of them are answered"
    if "rows a second" in measures:
        parts.append(f"rows a second are those of batches of {artifacts[0].get('batch')}, where longer is better")
    return "; ".join([*parts, *(["the coloured model is the one to deploy"] if deployed(run) else [])]) + "."


def _name(line: Part) -> str:
    return artifact_name(str(line["name"])) + ("" if published(line) else "\n(withheld)")


def _bars(axes: Axes, values: Sequence[float | None], *, ends: Sequence[float | None], colors: Sequence[str]) -> None:
    """Bars with their numbers; where there is an end, a line leads to it."""
    lengths = [value if finite(value) else 0 for value in values]
    reaches = [max(length, end) if finite(end) else length for length, end in zip(lengths, ends, strict=True)]
    axes.barh(range(len(values)), lengths, height=0.6, color=colors)
    for place, (reach, length, value) in enumerate(zip(reaches, lengths, values, strict=True)):
        if reach > length:
            axes.plot([length, reach], [place, place], color=canvas.GREY, linewidth=1.2)
        canvas.at_end(axes, rounding.amount(value), length=reach, place=place)
    axes.set_xlim(0, 1.45 * max([*reaches, 1e-9]))
    axes.set_xticks([])
    canvas.bare(axes)
