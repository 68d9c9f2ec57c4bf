"""The gate: every exported model against PyTorch, on the task's own score over the validation rows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.evaluate.score import Predicted, difference, predict, same

if TYPE_CHECKING:
    from finetune.contracts import Batch
    from finetune.data.examples import Examples
    from finetune.evaluate.infer import Infer
    from finetune.evaluate.intervals import Interval

TOLERANCE = 1e-4  # largest difference of an output that float32 rounding explains
NUM_TIMED = 50  # rows whose latency is measured, one by one, as a server would see them
BLOCK = 10  # rows that one candidate answers before the next has its turn
WARM_UP = 3
SLOWER = 1.1  # times the latency of fp32 above which a small model counts as slower: less is noise


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One row of `onnx/report.json`; differences are to PyTorch on the validation rows."""

    name: str
    file: str
    size_mib: float
    max_abs_diff: float
    agreement: float  # share of rows with the same prediction
    score: float
    score_drop: float
    score_drop_interval: tuple[float, float]
    latency_ms_p50: float
    speedup: float
    verdict: str  # reference, pass, unresolved or fail
    reason: str = ""


@dataclass(slots=True)
class Candidate:
    """A model on trial and what it answered."""

    name: str
    file: Path
    infer: Infer
    outputs: list[np.ndarray[Any, Any]] = field(default_factory=list)
    predicted: Predicted | None = None
    milliseconds: list[float] = field(default_factory=list)


def judge(candidates: list[Candidate], examples: Examples, *, max_score_drop: float, seed: int,
          on_batch: Callable[[str, int], None] | None = None) -> list[Artifact]:
    """The artefacts with their verdicts; the first candidate is the PyTorch model, the reference."""
    for candidate in candidates:
        step = (lambda rows, name=candidate.name: on_batch(name, rows)) if on_batch else None
        candidate.predicted = predict(examples, _keeping(candidate), batch=32, on_batch=step)
    _time(candidates, examples)
    return [_artifact(candidate, candidates[0], examples, max_score_drop=max_score_drop, seed=seed)
            for candidate in candidates]


def overall(artifacts: list[Artifact]) -> dict[str, Any]:
    """`onnx/report.json`: all artefacts, the verdict over them, and which file is to be used.

    That is the small model, unless it is slower than fp32, as dynamic int8 is where a model is made of convolutions.
    """
    published = [artifact for artifact in artifacts if artifact.verdict in ("pass", "unresolved")]
    failed = [artifact for artifact in artifacts if artifact.verdict == "fail"]
    fp32 = next((artifact for artifact in published if artifact.name == "fp32"), None)
    chosen = fp32 and next((artifact for artifact in published if artifact is not fp32
                            and artifact.latency_ms_p50 <= SLOWER * fp32.latency_ms_p50), fp32)
    return {
        "artifacts": [asdict(artifact) for artifact in artifacts],
        "verdict": "fail" if failed else "pass",
        "default": chosen.name if chosen else None,
        "reason": "; ".join(f"{artifact.name}: {artifact.reason}" for artifact in artifacts if artifact.reason),
    }


def _keeping(candidate: Candidate) -> Infer:
    """The candidate's infer, noting the raw outputs: every candidate sees the same batches in the same order."""
    def infer(batch: Batch) -> Any:
        output, loss = candidate.infer(batch)
        candidate.outputs.append(np.concatenate([value.reshape(len(value), -1) for value in output.values()], axis=1))
        return output, loss
    return infer


def _time(candidates: list[Candidate], examples: Examples) -> None:
    """Latency of single rows. Candidates take turns block by block, so that a busy machine hits all alike, and each
    block begins with answers that are not counted, since the threads of the candidate before may still be spinning.
    """
    rows = np.linspace(0, len(examples) - 1, min(NUM_TIMED, len(examples))).astype(int)
    batches = [examples.task.collate([examples[int(i)]], examples.processor) for i in rows]
    for start in range(0, len(batches), BLOCK):
        block = batches[start : start + BLOCK]
        for candidate in candidates:
            for batch in [block[0]] * WARM_UP:
                candidate.infer(batch)
            for batch in block:
                started = time.perf_counter()
                candidate.infer(batch)
                candidate.milliseconds.append((time.perf_counter() - started) * 1e3)


def _artifact(candidate: Candidate, reference: Candidate, examples: Examples, *, max_score_drop: float,
              seed: int) -> Artifact:
    assert candidate.predicted and reference.predicted
    task, ours, theirs = examples.task, candidate.predicted.columns, reference.predicted.columns
    gaps = [np.abs(a - b).max() for a, b in zip(candidate.outputs, reference.outputs, strict=True)]
    gap = float(np.max(gaps))  # unlike Python's, numpy's max does not lose a NaN
    agreement = float(same(ours, theirs).mean())
    drop = difference(task, theirs, ours, seed=seed)
    verdict, reason = _verdict(candidate.name, drop, gap=gap, agreement=agreement, max_score_drop=max_score_drop)
    latency, slowest = (statistics.median(side.milliseconds) for side in (candidate, reference))
    return Artifact(
        name=candidate.name, file=candidate.file.as_posix(), size_mib=0.0, max_abs_diff=gap, agreement=agreement,
        score=float(task.score(ours)[task.primary]), score_drop=drop.value, score_drop_interval=(drop.low, drop.high),
        latency_ms_p50=latency, speedup=slowest / latency, verdict=verdict, reason=reason,
    )


def _verdict(name: str, drop: Interval, *, gap: float, agreement: float, max_score_drop: float) -> tuple[str, str]:
    if name == "pytorch":
        return "reference", ""
    if not np.isfinite(gap):
        return "fail", "answers with outputs that are not finite numbers, or PyTorch does"
    if name == "fp32":
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
