"""Verdicts over made-up candidates: plain arrays that answer as an exported model would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from finetune.data.examples import Examples
from finetune.errors import ExportError
from finetune.evaluate.intervals import unseen
from finetune.export import gate
from finetune.export.gate import Artifact, Candidate
from finetune.tasks.multilabel_text import MultiLabelTextClassification
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
    logits[row, 0] = value
    found = judged(RIGHT, **{name: logits})[name]  # type: ignore[arg-type]  # a name of no option
    assert (found.verdict, found.reason) == ("fail", "answers with outputs that are not finite numbers, or PyTorch does")
    assert found.max_abs_diff is None  # JSON has no NaN


def test_answer_that_is_no_number_fails_where_each_output_has_a_probability_of_its_own() -> None:
    single = numbered(ROWS)
    names = [[name] for name in ("no", "yes")] * (ROWS // 2)
    table = pa.table({"row": [row["row"] for row in single.rows()], "text": [row["text"] for row in single.rows()], "label": names})
    examples = Examples(table, MultiLabelTextClassification(labels=("no", "yes")), single.processor)
    logits = RIGHT[:, :2].copy()
    logits[7] = np.nan
    candidates = [Candidate(name, Path(name), answering(answers)) for name, answers in (("pytorch", RIGHT[:, :2]), ("fp16", logits))]
    assert gate.judge(candidates, examples, max_score_drop=0.01, seed=0)[-1].verdict == "fail"


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


@pytest.mark.parametrize(("rows", "verdict"), [(400, "pass"), (300, "unresolved")])
def test_equal_predictions_pass_however_far_the_outputs_are_where_so_many_rows_tell(rows: int, verdict: str) -> None:
    logits = np.resize(wrong(1, 2), (rows, 3))
    found = judged(logits, int8=3 * logits)["int8"]
    assert (found.verdict, found.max_abs_diff, found.agreement, found.score_drop) == (verdict, 2.0, 1.0, 0.0)
    assert found.score_drop_interval == (-unseen(rows), unseen(rows))
    assert found.reason == ("" if verdict == "pass" else "the drop of 0.0000 may exceed 0.01 (95% interval -0.0122 to +0.0122): "
                                                         "too few rows to tell")


def test_int8_that_is_better_passes() -> None:
    found = judged(wrong(*range(20)), int8=RIGHT)["int8"]
    assert found.verdict == "pass"
    assert found.score_drop == pytest.approx(-0.1)
    assert found.score_drop_interval[1] < 0


def test_the_same_seed_gives_the_same_interval() -> None:
    first, second = (judged(RIGHT, int8=wrong(*range(9)))["int8"].score_drop_interval for _ in range(2))
    assert first == second


def artifact(name: str, verdict: str, reason: str = "") -> Artifact:
    return Artifact(name=name, file=f"{name}.onnx", size_mib=1.0, max_abs_diff=0.0, agreement=1.0, score=0.9, score_drop=0.0,
                    score_drop_interval=(0.0, 0.0), latency_ms_p50=1.0, latency_ms_p95=2.0, speedup=1.0, batch=32, rows_per_second=500.0,
                    verdict=verdict, reason=reason)


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
    report = gate.overall(artifacts, max_score_drop=0.01)
    assert (report["default"], report["verdict"], report["reason"]) == (default, verdict, "")
    assert [entry["name"] for entry in report["artifacts"]] == [made.name for made in artifacts]


@pytest.mark.parametrize(("latency", "default"), [(0.2, "int8"), (1.0, "int8"), (1.1, "int8"), (1.2, "fp32"), (9.0, "fp32")])
def test_a_small_model_that_is_slower_than_fp32_is_not_the_default(latency: float, default: str) -> None:
    int8 = replace(artifact("int8", "pass"), latency_ms_p50=latency)
    report = gate.overall([artifact("pytorch", "reference"), artifact("fp32", "pass"), int8], max_score_drop=0.01)
    assert (report["default"], report["verdict"]) == (default, "pass")


@pytest.mark.parametrize(("drop", "default"), [(-0.01, "int8"), (0.01, "int8"), (0.015, "fp32")])
def test_a_small_model_that_lost_more_than_allowed_is_not_the_default_even_where_few_rows_tell(drop: float, default: str) -> None:
    int8 = replace(artifact("int8", "unresolved"), score_drop=drop)
    report = gate.overall([artifact("pytorch", "reference"), artifact("fp32", "pass"), int8], max_score_drop=0.01)
    assert (report["default"], report["verdict"]) == (default, "pass")


def test_largest_drop_of_a_label_comes_first_with_its_paired_interval() -> None:
    found = judged(RIGHT, int8=wrong(*range(0, 90, 3)))["int8"]  # thirty rows of the first label go to the second
    assert [drop.label for drop in found.label_drops] == ["no", "yes", "maybe"]
    first, second, third = found.label_drops
    hits, of_no, of_yes = 37, 67, 67
    assert first.drop == pytest.approx(1 - 2 * hits / (of_no + hits))
    assert second.drop == pytest.approx(1 - 2 * of_yes / (of_yes + of_yes + 30))
    assert 0 < first.low < first.drop < first.high < 0.5
    assert (third.drop, third.low, third.high) == (0.0, -unseen(ROWS), unseen(ROWS))


def test_a_label_that_loses_too_much_is_warned_of_even_where_the_score_holds() -> None:
    found = judged(RIGHT, int8=wrong(*range(0, 90, 3)), budget=0.2)["int8"]
    worst = found.label_drops[0]
    assert (found.verdict, found.score_drop) == ("pass", pytest.approx(0.15))
    assert found.warning == (f"loses {worst.drop:.4f} of the F1 of 'no', and the whole score may lose 0.2 "
                             f"(95% interval {worst.low:+.4f} to {worst.high:+.4f})")


def test_further_labels_that_lose_too_much_are_counted() -> None:
    assert judged(RIGHT, int8=wrong(*range(60)))["int8"].warning.endswith(", and 2 more lose too much")


def test_a_label_that_chance_explains_is_not_warned_of() -> None:
    found = judged(wrong(0, 3, 6), int8=wrong(9, 12, 15, 18))["int8"]
    assert found.label_drops[0].drop > 0.01 / 3
    assert found.label_drops[0].low < 0
    assert found.warning == ""


def test_labels_without_rows_are_left_out() -> None:
    examples = numbered(ROWS)
    two = Examples(pa.table({name: [row[name] for row in examples.rows() if row["label"] != "maybe"] for name in ("row", "text", "label")}),
                   examples.task, examples.processor)
    candidates = [Candidate(name, Path(name), answering(RIGHT)) for name in ("pytorch", "int8")]
    found = gate.judge(candidates, two, max_score_drop=0.01, seed=0)
    assert {drop.label for drop in found[1].label_drops} == {"no", "yes"}


def test_speeds_are_told_of_single_rows_and_of_batches() -> None:
    found = judged(RIGHT, int8=RIGHT)["int8"]
    assert 0 < found.latency_ms_p50 <= found.latency_ms_p95
    assert found.batch == 32
    assert found.rows_per_second > 0


def test_no_rows_to_judge_on_is_an_error_that_says_what_to_do() -> None:
    empty = Examples(pa.table({"row": [], "text": [], "label": []}), numbered(1).task, numbered(1).processor)
    with pytest.raises(ExportError, match="no validation rows to judge .* data.files.validation=FILE"):
        gate.judge([Candidate("pytorch", Path("model"), answering(RIGHT))], empty, max_score_drop=0.01, seed=0)


def test_report_gathers_the_reasons() -> None:
    made: Sequence[Artifact] = [artifact("pytorch", "reference"), artifact("fp32", "fail", "outputs differ"),
                                artifact("int8", "unresolved", "too few rows")]
    assert gate.overall(list(made), max_score_drop=0.01)["reason"] == "fp32: outputs differ; int8: too few rows"


def test_report_of_a_real_judgement_is_plain_json() -> None:
    report = gate.overall(list(judged(RIGHT, fp32=RIGHT, int8=wrong(3)).values()), max_score_drop=0.01)
    assert json.loads(json.dumps(report, allow_nan=False))["verdict"] == "pass"
