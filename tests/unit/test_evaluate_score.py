"""Predictions of a split; the made-up rows, each known by its first token, that the gate's tests use as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from finetune.contracts import Batch, LossSum
from finetune.data.examples import Examples
from finetune.data.text import TextProcessor
from finetune.evaluate import score
from finetune.evaluate.intervals import Interval, unseen
from finetune.evaluate.score import Predicted
from finetune.tasks.text_classification import TextClassification

LABELS = ("no", "yes", "maybe")


def processor(num_rows: int) -> TextProcessor:
    vocabulary = {"[PAD]": 0, "more": 1, **{f"row{i}": i + 2 for i in range(num_rows)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[PAD]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return TextProcessor(tokenizer, ("input_ids", "attention_mask"), 0, 40)


def numbered(num_rows: int, *, seed: int = 0) -> Examples:
    """Rows of 1 to 30 tokens in no order; the first token tells the row, the label is its number modulo 3."""
    lengths = np.random.default_rng(seed).integers(0, 30, num_rows)
    texts = [" ".join([f"row{i}", *["more"] * int(length)]) for i, length in enumerate(lengths)]
    labels = [LABELS[i % 3] for i in range(num_rows)]
    table = pa.table({"row": [f"made:{i}" for i in range(num_rows)], "text": texts, "label": labels})
    return Examples(table, TextClassification(labels=LABELS), processor(num_rows))


def answering(logits_BC: np.ndarray, *, seen: list[np.ndarray] | None = None) -> Any:
    """An `infer` that knows the logits of every row; each row's loss is its number, and padding is noted in `seen`."""
    def infer(batch: Batch) -> tuple[Mapping[str, np.ndarray], LossSum]:
        rows = batch.inputs["input_ids"][:, 0] - 2
        if seen is not None:
            seen.append(batch.inputs["attention_mask"])
        return {"logits": logits_BC[rows]}, LossSum(float(rows.sum()), batch.rows)
    return infer


def made_up_logits(num_rows: int, *, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(num_rows, 3)).astype(np.float32)


@pytest.mark.parametrize("batch", [1, 7, 64, 500])
def test_rows_come_back_in_order_whatever_their_lengths(batch: int) -> None:
    logits = made_up_logits(150)
    columns = score.predict(numbered(150), answering(logits), batch=batch).columns
    np.testing.assert_array_equal(columns["prediction"], logits.argmax(axis=1))
    np.testing.assert_array_equal(columns["target"], np.arange(150) % 3)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(columns["probabilities"], weights / weights.sum(axis=1, keepdims=True), rtol=1e-6)


def test_loss_is_the_sum_over_all_rows() -> None:
    predicted = score.predict(numbered(150), answering(made_up_logits(150)), batch=32)
    assert predicted.loss == LossSum(149 * 150 / 2, 150)
    assert predicted.mean_loss == 74.5
    assert score.Predicted({}, LossSum(0.0, 0)).mean_loss == 0.0


def test_model_that_tells_no_loss_has_none() -> None:
    def infer(batch: Batch) -> tuple[Mapping[str, np.ndarray], None]:
        return {"logits": np.zeros((batch.rows, 3), np.float32)}, None

    predicted = score.predict(numbered(10), infer)
    assert (predicted.loss, predicted.mean_loss) == (None, None)


def test_rows_of_like_length_share_a_batch() -> None:
    seen: list[np.ndarray] = []
    score.predict(numbered(150), answering(made_up_logits(150), seen=seen), batch=16)
    assert [len(mask) for mask in seen] == [16] * 9 + [6]
    widths = [mask.shape[1] for mask in seen]
    assert widths == sorted(widths)
    assert np.concatenate([mask.ravel() for mask in seen]).mean() > 0.9  # hardly any padding


def test_rows_at_given_positions_come_back_in_their_order() -> None:
    logits, positions = made_up_logits(50), np.array([41, 3, 17, 8, 30])
    predicted = score.predict(numbered(50), answering(logits), batch=2, positions=positions)
    np.testing.assert_array_equal(predicted.columns["prediction"], logits[positions].argmax(axis=1))
    assert predicted.columns["target"].tolist() == (positions % 3).tolist()
    assert predicted.loss == LossSum(float(positions.sum()), 5)


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_batches_hold_every_position_once_shortest_first(batch: int, sizes: list[int]) -> None:
    lengths = np.array([5, 1, 9, 5, 2, 5, 1])
    parts = list(score.batches(lengths, batch))
    assert [len(part) for part in parts] == sizes
    assert np.concatenate(parts).tolist() == [1, 6, 4, 0, 3, 5, 2]


def test_parts_are_joined_in_the_order_of_their_positions() -> None:
    parts = [Predicted({"prediction": np.array([10, 30])}, LossSum(1.5, 2)),
             Predicted({"prediction": np.array([0, 20, 40])}, LossSum(2.0, 3))]
    joined = score.join(parts, [np.array([1, 3]), np.array([0, 2, 4])])
    assert joined.columns["prediction"].tolist() == [0, 10, 20, 30, 40]
    assert joined.loss == LossSum(3.5, 5)
    assert joined.mean_loss == 0.7


def test_columns_of_any_width_are_joined_row_by_row() -> None:
    parts = [Predicted({"probabilities": np.array([[0.1, 0.9]])}, None), Predicted({"probabilities": np.array([[0.8, 0.2]])}, None)]
    joined = score.join(parts, [np.array([1]), np.array([0])])
    assert joined.columns["probabilities"].tolist() == [[0.8, 0.2], [0.1, 0.9]]
    assert joined.loss is None


def test_predicting_two_shares_and_joining_them_equals_predicting_all() -> None:
    examples, infer = numbered(45), answering(made_up_logits(45))
    whole = score.predict(examples, infer)
    shares = [np.arange(start, 45, 2) for start in (0, 1)]
    joined = score.join([score.predict(examples, infer, positions=share) for share in shares], shares)
    assert joined.loss == whole.loss
    for name, column in whole.columns.items():
        np.testing.assert_array_equal(joined.columns[name], column)


def test_part_keeps_the_rows_of_a_mask_in_every_column() -> None:
    columns = {"prediction": np.arange(4), "probabilities": np.arange(8).reshape(4, 2)}
    found = score.part(columns, [True, False, False, True])
    assert {name: column.tolist() for name, column in found.items()} == {"prediction": [0, 3], "probabilities": [[0, 1], [6, 7]]}


def test_scores_that_are_one_number_are_told_from_the_others() -> None:
    scores = {"accuracy": 0.5, "support": 3, "f1": np.float32(0.25), "per_class": [1, 2], "name": "x"}
    assert score.scalars(scores) == {"accuracy": 0.5, "support": 3.0, "f1": 0.25}


class Errors:
    """A task whose score is a mean error, so that less is better."""

    primary: ClassVar[str] = "error"
    greater_is_better: ClassVar[bool] = False

    def score(self, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
        return {"error": float(columns["off"].mean()), "worst": [float(columns["off"].max())]}


def test_difference_is_positive_where_ours_has_the_greater_score() -> None:
    task, targets = TextClassification(labels=LABELS), np.arange(300) % 3
    ours = {"target": targets, "prediction": targets}
    theirs = {"target": targets, "prediction": np.where(np.arange(300) < 60, (targets + 1) % 3, targets)}
    found = score.difference(task, ours, theirs, seed=0)
    assert found.value == pytest.approx(0.2)
    assert 0.15 < found.low < 0.2 < found.high < 0.25
    back = score.difference(task, theirs, ours, seed=0)
    assert (back.value, back.low, back.high) == pytest.approx((-found.value, -found.high, -found.low))


def test_difference_is_positive_where_ours_has_the_smaller_error() -> None:
    random = np.random.default_rng(0)
    ours, theirs = {"off": random.normal(1.0, 0.1, 400)}, {"off": random.normal(1.5, 0.1, 400)}
    found = score.difference(Errors(), ours, theirs, seed=0)  # type: ignore[arg-type]
    assert found.value == pytest.approx(float(theirs["off"].mean() - ours["off"].mean()))
    assert 0.48 < found.low < found.value < found.high < 0.52
    back = score.difference(Errors(), theirs, ours, seed=0)  # type: ignore[arg-type]
    assert back.high < 0
    assert back.low < back.value < back.high


@pytest.mark.parametrize("task", [TextClassification(labels=LABELS), Errors()])
def test_equal_answers_differ_by_nothing(task: Any) -> None:
    columns = {"target": np.arange(30) % 3, "prediction": np.arange(30) // 10, "off": np.arange(30.0)}
    found = score.difference(task, columns, columns, seed=0)
    assert found == Interval(0.0, -unseen(30), unseen(30))


def test_scores_that_are_one_number_get_an_interval() -> None:
    columns = {"off": np.random.default_rng(0).normal(1.0, 0.2, 500)}
    found = score.with_intervals(Errors(), columns, seed=0)  # type: ignore[arg-type]
    assert found["worst"] == [columns["off"].max()]
    assert found["error"]["value"] == columns["off"].mean()
    assert found["error"]["low"] == pytest.approx(columns["off"].mean() - 1.96 * 0.2 / np.sqrt(500), abs=0.003)
    assert found["error"]["high"] == pytest.approx(columns["off"].mean() + 1.96 * 0.2 / np.sqrt(500), abs=0.003)


@pytest.mark.parametrize(("ours", "theirs", "expected"), [
    (np.array([1, 2, 2]), np.array([1, 2, 0]), [True, True, False]),
    (np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]), [True, False]),
    (np.array([0.0, 10.0, 20.0]), np.array([0.0, 10.01, 21.0]), [True, True, False]),  # their spread is about 8.6
    (np.array([["a"], [], ["b", "c"], None], dtype=object)[:3], np.array([["a"], ["x"], ["b", "c"], None], dtype=object)[:3], [True, False, True]),
])
def test_predictions_are_the_same_by_row_whatever_they_are(ours: np.ndarray, theirs: np.ndarray, expected: list[bool]) -> None:
    assert score.same({"prediction": ours}, {"prediction": theirs}).tolist() == expected
