"""The gate: every exported model against PyTorch, on the task's own score over the validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.errors import ExportError
from finetune.evaluate.intervals import Interval
from finetune.evaluate.score import Predicted, differences, finite, predict, same
from finetune.export import speed

if TYPE_CHECKING:
    from finetune.contracts import Batch
    from finetune.data.examples import Examples
    from finetune.evaluate.infer import Infer

TOLERANCE = 1e-4  # largest difference of an output that float32 rounding explains
SAME_TEXTS = 0.99  # share of texts that must be alike: where rounding decides on one word, all that follows differs
FASTER = ("optimized", "int8")  # what is made to be faster than fp32 on a processor


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelDrop:
    """What a model loses of the F1 of one label, with its paired interval."""

    label: str
    drop: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One row of `onnx/report.json`; differences are to PyTorch on the validation rows."""

    name: str
    file: str
    size_mib: float
    max_abs_diff: float | None  # of outputs that are finite numbers; texts have none
    agreement: float  # share of rows with the same prediction
    score: float
    score_drop: float
    score_drop_interval: tuple[float, float]
    label_drops: tuple[LabelDrop, ...] = ()  # of labels that validation rows have, the largest drop first
    latency_ms_p50: float  # of single rows
    latency_ms_p95: float
    speedup: float  # of the median latency, over PyTorch's
    batch: int  # rows at once
    rows_per_second: float  # in such batches
    verdict: str  # reference, pass, unresolved, slower or fail
    reason: str = ""
    warning: str = ""  # what the verdict does not rest on and a user should know


@dataclass(slots=True)
class Candidate:
    """A model on trial and what it answered."""

    name: str
    file: Path
    infer: Infer
    exact: bool = False  # whether it computes as PyTorch does, so that only rounding may tell the two apart
    elsewhere: bool = False  # whether it is made for another processor, so that its pace here is held against nobody
    outputs: list[np.ndarray[Any, Any]] = field(default_factory=list)
    predicted: Predicted | None = None


def judge(candidates: list[Candidate], examples: Examples, *, max_score_drop: float, seed: int,
          batch: int = 32) -> list[Artifact]:
    """The artefacts with their verdicts; the first candidate is the PyTorch model, the reference.

    `batch` is the number of rows at once for which the speed is told. Raises ExportError without rows to judge on.
    """
    need_rows(examples)
    for candidate in candidates:
        candidate.predicted = predict(examples, _keeping(candidate), batch=32)
    speeds = speed.measure([candidate.infer for candidate in candidates], examples, batch=batch)
    found = [_artifact(candidate, candidates[0], examples, speeds=(own, speeds[0]), max_score_drop=max_score_drop,
                       seed=seed) for candidate, own in zip(candidates, speeds, strict=True)]
    plain = next((own for candidate, own in zip(candidates, speeds, strict=True) if candidate.name == "fp32"), None)
    return [_slower(artifact, own, plain) if plain and not candidate.elsewhere else artifact
            for candidate, artifact, own in zip(candidates, found, speeds, strict=True)]


def need_rows(examples: Examples) -> None:
    """Raise ExportError where there is nothing to judge on."""
    if not len(examples):
        raise ExportError("export", "there are no validation rows to judge an exported model on. Start a new run, with "
                                    "data.files.validation=FILE that has rows or without it: a tenth is then held out.")


def overall(artifacts: list[Artifact], *, max_score_drop: float) -> dict[str, Any]:
    """`onnx/report.json`: all artefacts, the verdict over them, and which file is to be used.

    That is the small model, unless its median is slower than that of fp32, or it lost more than allowed on these rows,
    though they are too few to tell; then the optimized one. To be withheld, a model has to be slower or worse beyond
    doubt, which `judge` tells.
    """
    published = [artifact for artifact in artifacts if artifact.verdict in ("pass", "unresolved")]
    failed = [artifact for artifact in artifacts if artifact.verdict == "fail"]
    fp32 = next((artifact for artifact in published if artifact.name == "fp32"), None)
    chosen = fp32 and next((artifact for artifact in reversed(published) if artifact is not fp32
                            and artifact.latency_ms_p50 <= speed.SLOWER * fp32.latency_ms_p50
                            and artifact.score_drop <= max_score_drop), fp32)
    return {
        "artifacts": [asdict(artifact) for artifact in artifacts],
        "verdict": "fail" if failed else "pass",
        "default": chosen.name if chosen else None,
        "reason": "; ".join(f"{artifact.name}: {artifact.reason}" for artifact in artifacts if artifact.reason),
    }


def _slower(artifact: Artifact, own: speed.Speed, plain: speed.Speed) -> Artifact:
    """A model that is made to be fast and is slower than the plain graph has missed its purpose."""
    if artifact.name not in FASTER or artifact.verdict == "fail" or not speed.slower(own.single_ms, plain.single_ms):
        return artifact
    return replace(artifact, verdict="slower",
                   reason=f"is slower than fp32 here ({own.p50:.2f} against {plain.p50:.2f} ms a row)")


def _keeping(candidate: Candidate) -> Infer:
    """The candidate's infer, noting the raw outputs: every candidate sees the same batches in the same order."""
    def infer(batch: Batch) -> Any:
        output, loss = candidate.infer(batch)
        numbers = [value.reshape(len(value), -1) for value in output.values() if value.dtype.kind == "f"]
        candidate.outputs.append(np.concatenate(numbers, axis=1) if numbers else np.zeros((batch.rows, 0)))
        return finite(output), loss
    return infer


def _artifact(candidate: Candidate, reference: Candidate, examples: Examples, *, speeds: Sequence[speed.Speed],
              max_score_drop: float, seed: int) -> Artifact:
    assert candidate.predicted and reference.predicted
    task, ours, theirs = examples.task, candidate.predicted.columns, reference.predicted.columns
    gaps = [np.abs(a - b).max() for a, b in zip(candidate.outputs, reference.outputs, strict=True) if a.size]
    gap = float(np.max(gaps)) if gaps else None  # unlike Python's, numpy's max does not lose a NaN
    agreement = float(same(ours, theirs).mean())
    drop, by_label = differences(task, theirs, ours, seed=seed)
    if drop.value == 0 and gap is not None and gap <= TOLERANCE:  # only rounding, so no row is left to be unsure of
        drop = Interval(0.0, 0.0, 0.0)
    drops = sorted((LabelDrop(label=label, drop=found.value, low=found.low, high=found.high)
                    for label, found in by_label.items()), key=lambda found: -found.drop)
    verdict, reason = _verdict(candidate, drop, gap=gap, agreement=agreement, max_score_drop=max_score_drop)
    own, slowest = speeds
    return Artifact(
        name=candidate.name, file=candidate.file.as_posix(), size_mib=0.0,
        max_abs_diff=gap if gap is None or np.isfinite(gap) else None, agreement=agreement,
        score=float(task.score(ours)[task.primary]), score_drop=drop.value, score_drop_interval=(drop.low, drop.high),
        label_drops=tuple(drops), latency_ms_p50=own.p50, latency_ms_p95=own.p95, speedup=slowest.p50 / own.p50,
        batch=own.batch, rows_per_second=own.rows_per_second, verdict=verdict, reason=reason,
        warning=_warning(drops, max_score_drop=max_score_drop),
    )


def _warning(drops: Sequence[LabelDrop], *, max_score_drop: float) -> str:
    """On the label that loses most, where that is surely something and more than the whole score may lose."""
    lost = [found for found in drops if found.drop > max_score_drop and found.low > 0]
    if not lost:
        return ""
    worst, others = lost[0], f", and {len(lost) - 1} more lose too much" if len(lost) > 1 else ""
    return (f"loses {worst.drop:.4f} of the F1 of {worst.label!r}, and the whole score may lose {max_score_drop:g} "
            f"(95% interval {worst.low:+.4f} to {worst.high:+.4f}){others}")


def _verdict(candidate: Candidate, drop: Interval, *, gap: float | None, agreement: float,
             max_score_drop: float) -> tuple[str, str]:
    if candidate.name == "pytorch":
        return "reference", ""
    if gap is not None and not np.isfinite(gap):
        return "fail", "answers with outputs that are not finite numbers, or PyTorch does"
    if candidate.name == "fp32" and gap is None:
        return ("pass", "") if agreement >= SAME_TEXTS else (
            "fail", f"{agreement:.2%} of the texts are the same (needed {SAME_TEXTS:.0%})")
    if candidate.exact or candidate.name == "fp32":
        assert gap is not None
        if gap <= TOLERANCE and agreement == 1.0:
            return "pass", ""
        return "fail", (f"outputs differ by up to {gap:.1e} (allowed {TOLERANCE:.0e}) and {agreement:.2%} of the "
                        "labels are the same (needed 100%)")
    interval = f"95% interval {drop.low:+.4f} to {drop.high:+.4f}"
    if drop.value > max_score_drop and drop.low > 0:
        return "fail", f"loses {drop.value:.4f} of the score, allowed is {max_score_drop:g} ({interval})"
    if drop.high > max_score_drop:
        return "unresolved", (f"the drop of {drop.value:.4f} may exceed {max_score_drop:g} ({interval}): "
                              "too few rows to tell")
    return "pass", ""
