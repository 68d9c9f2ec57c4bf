"""Splits of rows with a number, or with nothing to stratify by: shares met, and all sizes in every split."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from finetune.data.split import hold_out, take
from finetune.errors import DataError

SHARES = {"validation": 0.1, "test": 0.1}


def rows(numbers: list[float | None]) -> pa.Table:
    return pa.table({"row": [f"a.csv:{i}" for i in range(len(numbers))], "label": pa.array(numbers, pa.float64())})


@pytest.mark.parametrize("seed", range(5))
def test_small_and_large_numbers_are_in_every_split(seed: int) -> None:
    numbers = np.random.default_rng(seed).exponential(10.0, 500).tolist()
    table = rows(numbers)
    bounds = np.quantile(numbers, [0.1, 0.9])
    for name, part in hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=seed).items():
        found = np.asarray(part["label"])
        assert 0.05 < (found < bounds[0]).mean() < 0.2, name
        assert 0.05 < (found > bounds[1]).mean() < 0.2, name
        assert name == "train" or 40 <= len(found) <= 60


def test_rows_without_a_number_stay_in_train() -> None:
    table = rows([None, *map(float, range(100)), None])
    found = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=1)
    assert found["train"]["label"].null_count == 2


def test_equal_numbers_and_few_rows_are_no_obstacle() -> None:
    table = rows([1.0] * 12)
    found = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=1)
    assert [part.num_rows > 0 for part in found.values()] == [True, True, True]


def test_rows_without_such_a_column_are_dealt_by_hash_alone() -> None:
    table = pa.table({"row": [f"a:{i}" for i in range(200)], "text": ["x"] * 200})
    found = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=1)
    assert [part.num_rows for name, part in found.items() if name != "train"] == pytest.approx([20, 20], abs=3)
    assert take(table, 50, seed=1).num_rows == 50


@pytest.mark.parametrize("seed", range(5))
def test_questions_without_answer_are_in_every_split_in_their_share(seed: int) -> None:
    answers = [{"text": [] if i % 20 == 0 else ["x"], "answer_start": [] if i % 20 == 0 else [0]} for i in range(400)]
    table = pa.table({"row": [f"a:{i}" for i in range(400)], "answers": answers})
    found = hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=seed)
    assert all(1 <= sum(not cell["text"] for cell in found[split]["answers"].to_pylist()) <= 3 for split in SHARES)


@pytest.mark.parametrize("table", [
    rows([1.0, 2.0]), rows([1.0, 2.0, 3.0]).drop_columns(["label"]).slice(1),
    pa.table({"row": ["a:1", "a:2", "a:3"], "label": [["x"], ["x", "y"], ["z"]]}),
    pa.table({"row": ["a:1", "a:2"], "answers": [{"text": ["x"], "answer_start": [0]}] * 2}),
])
def test_a_split_without_a_row_is_refused(table: pa.Table) -> None:
    with pytest.raises(DataError, match=r"data.split: no row is left for test and validation: . distinct rows found .*, at least 3 "
                                        r"are needed, .* or give data.files.validation and data.files.test"):
        hold_out(table, shares=SHARES, keys=table["row"].to_pylist(), seed=1)
