"""Verdicts over made-up candidates: plain arrays that answer as an exported model would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.contracts import Batch
from finetune.export import gate
from finetune.export.gate import Artifact, Candidate
from tests.unit.test_evaluate_score import answering, made_up_logits, numbered

ROWS = 200
RIGHT = np.eye(3, dtype=np.float32)[np.arange(ROWS) % 3]  # logits of a model that is always right


def wrong(*rows: int) -> np.ndarray:
    """The logits of a model that is right but for these rows."""
    logits = RIGHT.copy()
    logits[list(rows)] = np.roll(logits[list(rows)], 1, axis=1)
    return logits


def judged(reference: np.ndarray, *, budget: float = 0.01, **others: np.ndarray) -> dict[str, Artifact]:
    """The artefacts by name; each candidate answers with its array."""
    candidates = [Candidate("pytorch", Path("model"), answering(reference))]
    candidates += [Candidate(name, Path(f"{name}/model.onnx"), answering(logits)) for name, logits in others.items()]
    found = gate.judge(candidates, numbered(len(reference)), max_score_drop=budget, seed=0)
    assert [artifact.name for artifact in found] == ["pytorch", *others]
    return {artifact.name: artifact for artifact in found}


def test_reference_is_compared_with_itself() -> None:
    found = judged(wrong(0, 1))["pytorch"]
    assert (found.verdict, found.reason, found.file) == ("reference", "", "model")
    assert (found.score, found.max_abs_diff, found.agreement, found.score_drop) == (0.99, 0.0, 1.0, 0.0)
    assert (found.score_drop_interval, found.speedup) == ((0.0, 0.0), 1.0)


@pytest.mark.parametrize(("gap", "verdict"), [(0.0, "pass"), (9e-5, "pass"), (2e-4, "fail")])
def test_fp32_must_answer_within_rounding(gap: float, verdict: str) -> None:
    logits = made_up_logits(ROWS)
    shifted = logits.copy()
    shifted[150, 2] += gap
    found = judged(logits, fp32=shifted)["fp32"]
    assert found.verdict == verdict
    assert found.max_abs_diff == pytest.approx(gap, abs=1e-6)
    assert found.reason == ("" if verdict == "pass" else
                            "outputs differ by up to 2.0e-04 (allowed 1e-04) and 100.00% of the labels are the same (needed 100%)")


def test_fp32_fails_on_one_changed_label_however_close() -> None:
    logits, other = made_up_logits(ROWS), made_up_logits(ROWS)
    logits[7], other[7] = [1.0, 1.00001, 0.0], [1.00001, 1.0, 0.0]
    found = judged(logits, fp32=other)["fp32"]
    assert (found.verdict, found.agreement) == ("fail", 0.995)
    assert found.max_abs_diff < gate.TOLERANCE
    assert "99.50% of the labels are the same" in found.reason


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("row", [0, 198])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["fp32", "int8"])
def test_answer_that_is_no_number_fails_in_whichever_batch_it_is(name: str, value: float, row: int) -> None:
    logits = RIGHT.copy()
    logits[row, 0] = value  # the label stays the first
    found = judged(RIGHT, **{name: logits})[name]  # type: ignore[arg-type]  # a name of no option
    assert found.agreement == 1.0
    assert (found.verdict, found.reason) == ("fail", "answers with outputs that are not finite numbers, or PyTorch does")


def test_int8_fails_where_it_surely_loses_more_than_allowed() -> None:
    found = judged(RIGHT, int8=wrong(*range(30)))["int8"]
    low, high = found.score_drop_interval
    assert (found.verdict, found.score) == ("fail", 0.85)
    assert found.score_drop == pytest.approx(0.15)
    assert 0.10 < low < 0.15 < high < 0.20
    assert found.reason == f"loses 0.1500 of the score, allowed is 0.01 (95% interval {low:+.4f} to {high:+.4f})"


def test_int8_is_unresolved_where_chance_explains_its_drop() -> None:
    found = judged(wrong(*range(0, 6)), int8=wrong(*range(6, 16)))["int8"]  # loses ten rows, wins six
    assert found.score_drop == pytest.approx(0.02)
    assert found.score_drop_interval[0] < 0 < 0.02 < found.score_drop_interval[1]
    assert found.verdict == "unresolved"
    assert found.reason.endswith("too few rows to tell")


def test_int8_is_unresolved_where_a_small_drop_may_be_a_large_one() -> None:
    found = judged(RIGHT, int8=wrong(5))["int8"]
    assert found.score_drop == pytest.approx(0.005)
    assert found.score_drop_interval[0] == 0.0
    assert found.score_drop_interval[1] > 0.01
    assert found.verdict == "unresolved"


def test_the_same_small_drop_passes_under_a_larger_budget() -> None:
    assert judged(RIGHT, int8=wrong(5), budget=0.05)["int8"].verdict == "pass"


def test_a_drop_is_judged_against_the_budget_and_not_against_nothing() -> None:
    found = judged(RIGHT, int8=wrong(*range(30)), budget=0.3)["int8"]
    assert found.score_drop_interval[0] > 0
    assert (found.verdict, found.reason) == ("pass", "")


def test_equal_predictions_pass_however_far_the_outputs_are() -> None:
    found = judged(wrong(1, 2), int8=3 * wrong(1, 2))["int8"]
    assert (found.verdict, found.reason, found.max_abs_diff) == ("pass", "", 2.0)
    assert (found.agreement, found.score_drop, found.score_drop_interval) == (1.0, 0.0, (0.0, 0.0))


def test_int8_that_is_better_passes() -> None:
    found = judged(wrong(*range(20)), int8=RIGHT)["int8"]
    assert found.verdict == "pass"
    assert found.score_drop == pytest.approx(-0.1)
    assert found.score_drop_interval[1] < 0


def test_the_same_seed_gives_the_same_interval() -> None:
    first, second = (judged(RIGHT, int8=wrong(*range(9)))["int8"].score_drop_interval for _ in range(2))
    assert first == second


def test_every_row_is_told_for_every_candidate() -> None:
    told: dict[str, int] = {}

    def on_batch(name: str, rows: int) -> None:
        told[name] = told.get(name, 0) + rows

    candidates = [Candidate(name, Path(name), answering(RIGHT)) for name in ("pytorch", "fp32", "int8")]
    gate.judge(candidates, numbered(ROWS), max_score_drop=0.01, seed=0, on_batch=on_batch)
    assert told == {"pytorch": ROWS, "fp32": ROWS, "int8": ROWS}


def timed(num_rows: int) -> tuple[list[Candidate], list[tuple[str, int]]]:
    """Candidates after judging, and who answered which single row, in order."""
    calls: list[tuple[str, int]] = []

    def noting(name: str) -> Any:
        answer = answering(made_up_logits(num_rows))

        def infer(batch: Batch) -> Any:
            if batch.rows == 1:
                calls.append((name, int(batch.inputs["input_ids"][0, 0]) - 2))
            return answer(batch)
        return infer

    candidates = [Candidate(name, Path(name), noting(name)) for name in ("pytorch", "fp32", "int8")]
    gate.judge(candidates, numbered(num_rows), max_score_drop=0.01, seed=0)
    return candidates, calls


@pytest.mark.parametrize(("num_rows", "num_timed"), [(200, gate.NUM_TIMED), (64, gate.NUM_TIMED), (13, 13)])
def test_latency_is_measured_on_the_same_rows_for_all(num_rows: int, num_timed: int) -> None:
    candidates, calls = timed(num_rows)
    assert [len(candidate.milliseconds) for candidate in candidates] == [num_timed] * 3
    rows = {name: [row for who, row in calls if who == name] for name in ("pytorch", "fp32", "int8")}
    assert rows["pytorch"] == rows["fp32"] == rows["int8"]
    assert len(set(rows["fp32"])) == num_timed
    assert (min(rows["fp32"]), max(rows["fp32"])) == (0, num_rows - 1)


def test_candidates_take_turns_block_by_block() -> None:
    _, calls = timed(200)
    turns = [name for name, before in zip(calls, [("", 0), *calls[:-1]], strict=True) if name[0] != before[0]]
    assert [name for name, _ in turns] == ["pytorch", "fp32", "int8"] * (gate.NUM_TIMED // gate.BLOCK)
    assert len(calls) == 3 * gate.NUM_TIMED + len(turns) * gate.WARM_UP


def artifact(name: str, verdict: str, reason: str = "") -> Artifact:
    return Artifact(name=name, file=f"{name}.onnx", size_mib=1.0, max_abs_diff=0.0, agreement=1.0, score=0.9, score_drop=0.0,
                    score_drop_interval=(0.0, 0.0), latency_ms_p50=1.0, speedup=1.0, verdict=verdict, reason=reason)


@pytest.mark.parametrize(("fp32", "int8", "default", "verdict"), [
    ("pass", "pass", "int8", "pass"),
    ("pass", "unresolved", "int8", "pass"),
    ("pass", "fail", "fp32", "fail"),
    ("pass", None, "fp32", "pass"),
    ("fail", "pass", None, "fail"),
    ("fail", "fail", None, "fail"),
    ("fail", None, None, "fail"),
])
def test_report_names_the_model_to_use_and_the_verdict_over_all(
    fp32: str, int8: str | None, default: str | None, verdict: str
) -> None:
    artifacts = [artifact("pytorch", "reference"), artifact("fp32", fp32)] + ([artifact("int8", int8)] if int8 else [])
    report = gate.overall(artifacts)
    assert (report["default"], report["verdict"], report["reason"]) == (default, verdict, "")
    assert [entry["name"] for entry in report["artifacts"]] == [made.name for made in artifacts]


@pytest.mark.parametrize(("latency", "default"), [(0.2, "int8"), (1.0, "int8"), (1.1, "int8"), (1.2, "fp32"), (9.0, "fp32")])
def test_a_small_model_that_is_slower_than_fp32_is_not_the_default(latency: float, default: str) -> None:
    int8 = replace(artifact("int8", "pass"), latency_ms_p50=latency)
    report = gate.overall([artifact("pytorch", "reference"), artifact("fp32", "pass"), int8])
    assert (report["default"], report["verdict"]) == (default, "pass")


def test_report_gathers_the_reasons() -> None:
    made: Sequence[Artifact] = [artifact("pytorch", "reference"), artifact("fp32", "fail", "outputs differ"),
                                artifact("int8", "unresolved", "too few rows")]
    assert gate.overall(list(made))["reason"] == "fp32: outputs differ; int8: too few rows"


def test_report_of_a_real_judgement_is_plain_json() -> None:
    report = gate.overall(list(judged(RIGHT, fp32=RIGHT, int8=wrong(3)).values()))
    assert json.loads(json.dumps(report, allow_nan=False))["verdict"] == "pass"
