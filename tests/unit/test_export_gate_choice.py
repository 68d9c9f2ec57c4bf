"""Which of several exported models is to be used, and which is not worth publishing."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.contracts import Batch
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
    assert gate.overall(timed(fp32=1.0, optimized=optimized, int8=int8), max_score_drop=0.01)["default"] == chosen


def waiting(name: str, seconds: float, logits: np.ndarray = RIGHT) -> Candidate:
    """A candidate that answers so many seconds after it was asked."""
    answer = answering(logits)

    def infer(batch: Batch) -> Any:
        time.sleep(seconds)
        return answer(batch)
    return Candidate(name, Path(name) / "model.onnx", infer)


@pytest.mark.parametrize("name", ["optimized", "int8"])
def test_model_that_is_slower_than_fp32_is_no_failure_and_not_published(name: str) -> None:
    found = gate.judge([waiting("pytorch", 0), waiting("fp32", 0), waiting(name, 0.003)], numbered(ROWS), max_score_drop=0.01, seed=0)
    report = gate.overall(found, max_score_drop=0.01)
    assert [artifact.verdict for artifact in found] == ["reference", "pass", "slower"]
    assert (report["verdict"], report["default"]) == ("pass", "fp32")
    assert re.fullmatch(name + r": is slower than fp32 here \([3-9]\.\d\d against 0\.\d\d ms a row\)", report["reason"])


def test_int8_for_another_processor_is_published_however_slow_it_is_here() -> None:
    small = replace(waiting("int8", 0.003), elsewhere=True)
    found = gate.judge([waiting("pytorch", 0), waiting("fp32", 0), small], numbered(20), max_score_drop=0.5, seed=0)
    assert found[-1].verdict == "pass"


def test_half_precision_is_made_for_gpus_so_its_pace_here_is_held_against_nobody() -> None:
    found = gate.judge([waiting("pytorch", 0), waiting("fp32", 0), waiting("fp16", 0.003)], numbered(20), max_score_drop=0.5, seed=0)
    assert found[-1].verdict == "pass"
    assert gate.overall(found, max_score_drop=0.01)["default"] == "fp32"


def test_failure_is_told_before_slowness() -> None:
    wrong = waiting("int8", 0.003, np.roll(RIGHT, 1, axis=1))
    candidates = [waiting("pytorch", 0), waiting("fp32", 0), wrong]
    found = gate.judge(candidates, numbered(ROWS), max_score_drop=0.01, seed=0)[-1]
    assert (found.verdict, found.reason.partition(" ")[0]) == ("fail", "loses")


@pytest.mark.parametrize(("exact", "verdict"), [(True, "fail"), (False, "unresolved")])
def test_model_that_ought_to_compute_the_same_is_held_to_rounding(exact: bool, verdict: str) -> None:
    logits = made_up_logits(ROWS)
    candidates = [Candidate("pytorch", Path("model"), answering(logits)),
                  Candidate("optimized", Path("optimized/model.onnx"), answering(logits + 1e-3), exact=exact)]
    assert gate.judge(candidates, numbered(ROWS), max_score_drop=0.01, seed=0)[1].verdict == verdict
