"""A number is learnt in units of its spread and told in its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from finetune.errors import DataError
from finetune.tasks.pair_regression import PairRegression
from tests.unit.small_tokenizer import processor

ROWS = [{"text_a": "a b", "text_b": "c", "label": 1.0}, {"text_a": "d", "text_b": "e f", "label": 5.0}, {"text_a": "a", "text_b": "", "label": 3.0}]
TASK = PairRegression(max_tokens=8, mean=3.0, spread=2.0)


def test_mean_and_spread_are_those_of_the_training_rows_alone() -> None:
    splits = {"train": pa.table({"label": [1.0, 5.0, None]}), "test": pa.table({"label": [100.0]})}
    learnt = PairRegression().learn(splits)
    assert (learnt.mean, learnt.spread) == (3.0, 2.0)


@pytest.mark.parametrize(("numbers", "said"), [
    ([2.0, 2.0], "all 2 training rows have the number 2"), ([None, None], "no training row has a number")])
def test_nothing_to_learn_is_an_error(numbers: list[float | None], said: str) -> None:
    with pytest.raises(DataError, match=said):
        PairRegression().learn({"train": pa.table({"label": pa.array(numbers, pa.float64())})})


def test_loss_is_the_squared_error_in_units_of_the_spread() -> None:
    batch = TASK.collate(TASK.encode(ROWS, processor()), processor())
    tensors = replace(batch, targets={"target": torch.as_tensor(batch.targets["target"])})
    total, count = TASK.loss({"logits": torch.tensor([[-1.0], [0.0], [0.5]])}, tensors)
    assert float(total) == pytest.approx(0 + 1 + 0.25)
    assert count == TASK.count(batch) == 3


def test_prediction_is_in_the_unit_of_the_rows() -> None:
    batch = TASK.collate(TASK.encode(ROWS, processor()), processor())
    found = TASK.predict({"logits": np.array([[-1.0], [0.0], [0.5]])}, batch)
    assert found["prediction"].tolist() == [1.0, 3.0, 4.0]
    assert found["target"].tolist() == [1.0, 5.0, 3.0]
    assert TASK.answers(found)[2] == {"value": 4.0}
    assert [position for position, _ in TASK.mistakes(found, 2)] == [1, 2]


def test_row_without_number_is_answered_without_target() -> None:
    rows = [{"text_a": "a", "text_b": "b"}, {"text_a": "a", "text_b": "b", "label": None}]
    assert TASK.collate(TASK.encode(rows, processor()), processor()).targets == {}


def test_baselines_are_the_mean_and_what_the_texts_share() -> None:
    random, words = np.random.default_rng(0), [f"word{i}" for i in range(40)]
    rows = []
    for i in range(400):
        text = random.choice(words, 6)
        kept = i % 7
        other = [*text[:kept], *random.choice(words, 6 - kept)] if kept < 6 else list(text)
        rows.append({"text_a": " ".join(text), "text_b": " ".join(other), "label": float(kept)})
    found = TASK.baselines(rows[:300], rows[300:], seed=0)
    truth = np.array([row["label"] for row in rows[300:]])
    assert found["mean"]["prediction"].tolist() == pytest.approx([np.mean([row["label"] for row in rows[:300]])] * 100)
    scores = TASK.score({"target": truth, **found["tfidf_linear"]})
    assert scores["pearson"] > 0.7
    assert TASK.score({"target": truth, **found["mean"]})["pearson"] == 0
