"""Answers in a text: one loss and one answer a row, whatever its windows, and nothing outside the context counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from finetune.contracts import Batch
from finetune.errors import DataError
from finetune.evaluate.infer import tensors
from finetune.tasks.question_answering import ENDS, QuestionAnswering
from tests.unit.test_data_windows import pairs

TASK = QuestionAnswering(max_tokens=12, overlap=3, max_answer_tokens=4, no_answer="possible")


def row(question: str, context: str, *answers: tuple[str, int]) -> dict[str, Any]:
    return {"question": question, "context": context,
            "answers": {"text": [text for text, _ in answers], "answer_start": [start for _, start in answers]}}


LONG = "a b c d e f a b c d e f a b c"
ROWS = [row("d e", LONG, ("f a b", 10)), row("b", "a b", ("b", 2)), row("c", "d e f"),
        row("a", "b c d", ("d", 1))]  # the last one's answer is not where it is said to be


def collated(rows: list[dict[str, Any]] = ROWS, task: QuestionAnswering = TASK) -> Batch:
    made = pairs()
    return task.collate(task.encode(rows, made), made)


def output_of(batch: Batch, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {f"{name}_logits": random.normal(size=batch.inputs["input_ids"].shape).astype(np.float32) for name in ENDS}


def loss(batch: Batch, output: dict[str, np.ndarray], task: QuestionAnswering = TASK) -> tuple[float, float]:
    found = task.loss({name: torch.from_numpy(values) for name, values in output.items()}, tensors(batch))
    return float(found.total), found.count


def by_hand(batch: Batch, output: dict[str, np.ndarray], row_number: int) -> float:
    """Minus the log of what one softmax over all windows of the row gives to the right places."""
    own = batch.targets["row"] == row_number
    allowed = batch.targets["offsets"][own][..., 0] >= 0
    allowed[:, 0] = True
    total = 0.0
    for name in ENDS:
        weights = np.exp(output[f"{name}_logits"][own].astype(np.float64)) * allowed
        total -= np.log(weights[batch.targets[name][own]].sum() / weights.sum()) / 2
    return total


def test_a_row_counts_once_whatever_its_windows_and_not_at_all_without_a_right_place() -> None:
    batch = collated()
    assert batch.rows == 4
    assert np.bincount(batch.targets["row"]).tolist() == [3, 1, 1, 1]
    assert TASK.count(batch) == 3
    total, count = loss(batch, output_of(batch))
    assert count == 3
    assert total == pytest.approx(sum(by_hand(batch, output_of(batch), number) for number in range(3)), rel=1e-5)


def test_an_answer_is_marked_in_every_window_that_shows_all_of_it() -> None:
    batch = collated(ROWS[:1])
    shown = [LONG[offsets[start][0]:offsets[end][1]] for offsets, start, end in zip(
        batch.targets["offsets"], batch.targets["start"].argmax(axis=1), batch.targets["end"].argmax(axis=1), strict=True)
        if offsets[start][0] >= 0]
    assert shown
    assert set(shown) == {"f a b"}
    assert (batch.targets["start"].sum(axis=1) == batch.targets["end"].sum(axis=1)).all()


def test_what_stands_outside_the_context_changes_nothing() -> None:
    task = QuestionAnswering(max_tokens=12, overlap=3, no_answer="never")
    batch = collated(task=task)
    output = output_of(batch)
    outside = batch.targets["offsets"][..., 0] < 0
    planted = {name: np.where(outside, np.float32(1e4), values) for name, values in output.items()}
    assert outside.any()
    assert loss(batch, planted, task) == pytest.approx(loss(batch, output, task))
    before, after = (task.predict(values, batch) for values in (output, planted))
    for name in ("prediction", "probability", "f1", "exact_match"):
        np.testing.assert_array_equal(before[name], after[name])


def test_padding_changes_neither_loss_nor_answer() -> None:
    together = collated()
    output, seen, total = output_of(together), 0, 0.0
    columns = TASK.predict(output, together)
    for number, alone in enumerate(collated([one]) for one in ROWS):
        windows, length = alone.inputs["input_ids"].shape
        part = {name: np.ascontiguousarray(values[seen : seen + windows, :length]) for name, values in output.items()}
        total, seen = total + loss(alone, part)[0], seen + windows
        assert TASK.predict(part, alone)["prediction"][0] == columns["prediction"][number]
    assert total == pytest.approx(loss(together, output)[0], rel=1e-5)


def told(batch: Batch, span: tuple[int, int, int] | None) -> dict[str, np.ndarray]:
    """The output of a model that is sure of a span, or of no answer."""
    output = {f"{name}_logits": np.zeros(batch.inputs["input_ids"].shape, np.float32) for name in ENDS}
    window, start, end = span or (0, 0, 0)
    output["start_logits"][window, start] = output["end_logits"][window, end] = 9
    return output


def test_a_sure_span_becomes_the_answer_with_its_place() -> None:
    batch = collated(ROWS[1:2])
    place = int(batch.targets["start"][0].argmax())
    columns = TASK.predict(told(batch, (0, place, place)), batch)
    (answer,) = TASK.answers(columns)
    assert answer == {"answer": "b", "start": 2, "end": 3, "probability": pytest.approx(1, abs=2e-3)}
    assert TASK.score(columns) == {"f1": 1.0, "exact_match": 1.0, "answered": 1.0}


def test_no_answer_is_one_and_right_where_the_row_has_none() -> None:
    batch = collated(ROWS[2:3])
    columns = TASK.predict(told(batch, None), batch)
    assert TASK.answers(columns) == [{"answer": None, "start": None, "end": None, "probability": pytest.approx(1, abs=2e-3)}]
    assert TASK.score(columns) == {"f1": 1.0, "exact_match": 1.0, "answered": 0.0}


def test_no_answer_is_never_given_where_all_rows_have_one() -> None:
    task = QuestionAnswering(max_tokens=12, overlap=3, no_answer="never")
    batch = collated(ROWS[1:2], task)
    assert task.predict(told(batch, None), batch)["prediction"][0] != ""


def test_a_row_with_an_empty_context_and_no_question_is_answered_none() -> None:
    batch = collated([{"question": "", "context": ""}])
    assert TASK.answers(TASK.predict(output_of(batch), batch))[0]["answer"] is None


def test_the_margin_is_the_one_that_answers_best() -> None:
    columns = {"margin": np.array([3.0, 2.0, 1.0, 0.0]), "given": np.array([[1, 1], [0, 0], [1, 1], [0, 0]], float),
               "none": np.array([[0, 0], [0, 0], [0, 0], [1, 1]], float)}
    assert TASK.calibrated(columns).min_margin == 0.5
    columns["given"][:3] = 0
    assert TASK.calibrated(columns).min_margin == 4.0  # better never
    assert QuestionAnswering(no_answer="never").calibrated(columns).min_margin == 0.0


@pytest.mark.parametrize(("answers", "expected"), [([["a"], ["b"]], "never"), ([["a"], []], "possible")])
def test_whether_no_answer_is_possible_is_learnt_from_the_training_rows(answers: list[list[str]], expected: str) -> None:
    table = pa.table({"answers": [{"text": texts, "answer_start": [0] * len(texts)} for texts in answers]})
    assert QuestionAnswering().learn({"train": table}).no_answer == expected


@pytest.mark.parametrize("no_answer", ["auto", "never", "possible"])
def test_rows_of_which_none_has_an_answer_are_refused(no_answer: Any) -> None:
    table = pa.table({"answers": pa.array([{"text": [], "answer_start": []}] * 2, pa.struct({"text": pa.list_(pa.string())}))})
    with pytest.raises(DataError, match="data.columns.answers: none of 2 training rows has an answer"):
        QuestionAnswering(no_answer=no_answer).learn({"train": table})


def test_baselines_are_sentences_scored_as_answers() -> None:
    asked = [row("Which hand has the clock?", "Tea is green. The clock has one hand.", ("one hand", 28))]
    found = QuestionAnswering().baselines([], asked, seed=1)
    assert found["first_sentence"]["prediction"][0] == "Tea is green."
    assert found["nearest_sentence"]["prediction"][0] == "The clock has one hand."
    assert found["nearest_sentence"]["f1"][0] == pytest.approx(2 * 2 / 6)  # clock has one hand; one hand


def test_mistakes_begin_with_the_surest_of_the_worst() -> None:
    columns = {"f1": np.array([0.0, 1.0, 0.0, 0.5]), "probability": np.array([0.2, 0.9, 0.8, 0.1]),
               "target": np.array([["a"], ["b"], [], ["c d"]], dtype=object), "prediction": np.array(["x", "b", "y", "c"])}
    found = TASK.mistakes(columns, 5)
    assert [position for position, _ in found] == [2, 0, 3]
    assert found[0][1] == {"label": "no answer", "prediction": "y", "probability": 0.8}


@pytest.mark.parametrize(("settings", "key"), [
    ({"max_tokens": 15, "overlap": 0}, "task.max_tokens: 15"), ({"overlap": 65}, "task.overlap: 65"),
    ({"max_answer_tokens": 0}, "task.max_answer_tokens: 0"),
])
def test_settings_out_of_range_are_told(settings: dict[str, Any], key: str) -> None:
    (problem,) = QuestionAnswering(**settings).problems()
    assert problem.startswith(key)
