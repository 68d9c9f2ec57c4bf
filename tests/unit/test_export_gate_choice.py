"""Which of several exported models is to be used, and which is not worth publishing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from finetune.export import gate
from finetune.export.gate import Artifact, Candidate
from tests.unit.test_evaluate_score import answering, made_up_logits, numbered
from tests.unit.test_export_gate import RIGHT, ROWS, judged


def timed(**milliseconds: float) -> list[Artifact]:
    """Artefacts that all answer rightly, at these latencies."""
    found = judged(RIGHT, **dict.fromkeys(milliseconds, RIGHT))  # type: ignore[arg-type]  # names of no option
    return [found["pytorch"], *(replace(found[name], latency_ms_p50=value) for name, value in milliseconds.items())]


@pytest.mark.parametrize(("optimized", "int8", "chosen"), [
    (1.0, 1.0, "int8"), (0.5, 1.05, "int8"), (0.9, 2.0, "optimized"), (2.0, 2.0, "fp32"), (2.0, 0.5, "int8"),
])
def test_smallest_model_that_is_not_slower_is_chosen(optimized: float, int8: float, chosen: str) -> None:
    assert gate.overall(timed(fp32=1.0, optimized=optimized, int8=int8))["default"] == chosen


@pytest.mark.parametrize(("latency", "verdict"), [(0.8, "pass"), (1.09, "pass"), (1.2, "slower")])
def test_optimized_model_that_is_slower_is_no_failure_and_not_published(latency: float, verdict: str) -> None:
    report = gate.overall(timed(fp32=1.0, optimized=latency))
    assert (report["artifacts"][-1]["verdict"], report["verdict"]) == (verdict, "pass")
    assert report["reason"] == ("" if verdict == "pass" else "optimized: takes 1.20 ms for a row, the plain graph 1.00")


@pytest.mark.parametrize(("exact", "verdict"), [(True, "fail"), (False, "pass")])
def test_model_that_ought_to_compute_the_same_is_held_to_rounding(exact: bool, verdict: str) -> None:
    logits = made_up_logits(ROWS)
    candidates = [Candidate("pytorch", Path("model"), answering(logits)),
                  Candidate("optimized", Path("optimized/model.onnx"), answering(logits + 1e-3), exact=exact)]
    assert gate.judge(candidates, numbered(ROWS), max_score_drop=0.01, seed=0)[1].verdict == verdict
