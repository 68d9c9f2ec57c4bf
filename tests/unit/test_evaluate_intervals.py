from __future__ import annotations

import dataclasses
import time
import tracemalloc
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from finetune.evaluate.intervals import Interval, bootstrap, paired_difference, unseen
from finetune.metrics.classification import scores

Columns = Mapping[str, np.ndarray]


def mean(columns: Columns) -> dict[str, float]:
    return {"mean": float(columns["x"].mean())}


def classified(columns: Columns) -> dict[str, Any]:
    return scores(columns["target"], columns["prediction"], ("cat", "dog", "eel", "fox"))


def predictions(num_rows: int, *, right: float, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = random.integers(0, 4, num_rows)
    is_right = random.random(num_rows) < right
    return {"target": targets, "prediction": np.where(is_right, targets, (targets + 1) % 4)}


def width(interval: Interval) -> float:
    return interval.high - interval.low


def test_value_is_the_score_of_all_rows() -> None:
    columns = predictions(300, right=0.8, seed=0)
    found = bootstrap(classified, columns, names=("accuracy", "f1_macro"), resamples=50)
    assert list(found) == ["accuracy", "f1_macro"]
    assert {name: interval.value for name, interval in found.items()} == {
        name: classified(columns)[name] for name in ("accuracy", "f1_macro")
    }


def test_interval_of_a_mean_is_close_to_the_normal_one() -> None:
    x = np.random.default_rng(1).normal(10.0, 2.0, 2000)
    found = bootstrap(mean, {"x": x}, names=["mean"], resamples=4000)["mean"]
    margin = 1.96 * x.std() / np.sqrt(len(x))
    assert (found.low, found.high) == pytest.approx((x.mean() - margin, x.mean() + margin), abs=0.05 * margin)


def test_95_percent_intervals_hold_the_true_score_that_often() -> None:
    num_trials, num_rows, true = 400, 200, 0.8
    held = 0
    for trial in range(num_trials):
        right = np.random.default_rng(trial).random(num_rows) < true
        found = bootstrap(mean, {"x": right}, names=["mean"], resamples=200, seed=trial)["mean"]
        held += found.low <= true <= found.high
    assert 0.90 <= held / num_trials <= 0.99


def test_95_percent_intervals_of_a_difference_hold_the_true_one_that_often() -> None:
    num_trials, num_rows, true = 400, 200, 0.1
    held = 0
    for trial in range(num_trials):
        luck = np.random.default_rng(trial).random(num_rows)
        a, b = {"x": luck < 0.8}, {"x": luck < 0.7}
        found = paired_difference(mean, a, b, name="mean", resamples=200, seed=trial)
        held += found.low <= true <= found.high
    assert 0.90 <= held / num_trials <= 0.99


def test_same_seed_gives_the_same_intervals_and_another_seed_others() -> None:
    columns = {"x": np.random.default_rng(2).normal(size=100)}
    first = bootstrap(mean, columns, names=["mean"], resamples=100, seed=4)
    assert bootstrap(mean, columns, names=["mean"], resamples=100, seed=4) == first
    assert bootstrap(mean, columns, names=["mean"], resamples=100, seed=5) != first


def test_value_outside_the_resampled_scores_widens_the_interval() -> None:
    def num_distinct(columns: Columns) -> dict[str, float]:
        return {"distinct": float(len(np.unique(columns["x"])))}

    found = bootstrap(num_distinct, {"x": np.arange(50)}, names=["distinct"], resamples=100)["distinct"]
    assert found.low < 40
    assert found.value == found.high == 50


def test_score_that_never_changes_gives_an_interval_without_width() -> None:
    columns = {"target": np.array([1]), "prediction": np.array([0])}
    assert bootstrap(classified, columns, names=["accuracy"])["accuracy"] == Interval(0.0, 0.0, 0.0)


@pytest.mark.parametrize(("num_rows", "least"), [(1, 0.025), (10, 0.6915), (200, 0.98172), (3000, 0.99877)])
def test_not_one_mistake_is_no_proof_that_there_will_be_none(num_rows: int, least: float) -> None:
    """The lower bound of Clopper and Pearson: with it, no mistake in so many rows has a chance of 2.5 %."""
    same = np.zeros(num_rows, dtype=int)
    found = bootstrap(classified, {"target": same, "prediction": same}, names=["accuracy"], resamples=20)["accuracy"]
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(least, abs=1e-4)
    assert found.low**num_rows == pytest.approx(0.025)


def test_no_rows_are_refused() -> None:
    nothing = {"x": np.array([])}
    with pytest.raises(AssertionError):
        bootstrap(mean, nothing, names=["mean"])
    with pytest.raises(AssertionError):
        paired_difference(mean, nothing, nothing, name="mean")


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(AssertionError):
        bootstrap(mean, {"x": np.arange(3), "y": np.arange(4)}, names=["mean"])


def test_score_without_a_value_is_refused() -> None:
    def undefined(columns: Columns) -> dict[str, float]:
        return {"spread": float("nan")}

    with pytest.raises(AssertionError):
        bootstrap(undefined, {"x": np.arange(3)}, names=["spread"], resamples=10)


def test_columns_of_one_row_stay_together() -> None:
    x = np.arange(100)

    def together(columns: Columns) -> dict[str, float]:
        assert set(columns) == {"x", "twice", "wide"}
        np.testing.assert_array_equal(columns["twice"], 2 * columns["x"])
        np.testing.assert_array_equal(columns["wide"], np.stack([columns["x"], columns["x"]], axis=1))
        return mean(columns)

    bootstrap(together, {"x": x, "twice": 2 * x, "wide": np.stack([x, x], axis=1)}, names=["mean"], resamples=20)


def test_difference_is_a_minus_b() -> None:
    a, b = {"x": np.array([1.0, 2.0, 3.0, 4.0])}, {"x": np.array([0.5, 1.5, 2.5, 3.5])}
    assert paired_difference(mean, a, b, name="mean", resamples=20) == Interval(0.5, 0.5, 0.5)
    assert paired_difference(mean, b, a, name="mean", resamples=20) == Interval(-0.5, -0.5, -0.5)


def test_difference_of_equal_predictions_is_0_as_far_as_so_many_rows_tell() -> None:
    columns = predictions(200, right=0.7, seed=3)
    found = paired_difference(classified, columns, columns, name="f1_macro", resamples=50)
    assert found == Interval(0.0, -unseen(200), unseen(200)) and unseen(200) == pytest.approx(0.0183, abs=1e-4)


def test_paired_interval_is_narrower_than_separate_ones_on_correlated_columns() -> None:
    random = np.random.default_rng(6)
    hard = random.normal(size=500)
    a, b = {"x": hard + 0.1 * random.normal(size=500)}, {"x": hard + 0.1 * random.normal(size=500)}
    paired = paired_difference(mean, a, b, name="mean", seed=0)
    apart = [bootstrap(mean, columns, names=["mean"], seed=seed)["mean"] for seed, columns in ((1, a), (2, b))]
    unpaired = float(np.hypot(*map(width, apart)))
    assert width(paired) < 0.3 * unpaired


def test_pair_of_unequal_length_is_refused() -> None:
    with pytest.raises(AssertionError):
        paired_difference(mean, {"x": np.arange(3)}, {"x": np.arange(4)}, name="mean")


def test_memory_does_not_grow_with_the_number_of_resamples() -> None:
    columns = {"x": np.zeros(20_000)}
    tracemalloc.start()
    try:
        bootstrap(mean, columns, names=["mean"], resamples=500)
        peak_mib = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert peak_mib < 10  # all row numbers at once would take 76 MiB


def test_1000_resamples_of_2000_rows_take_a_fraction_of_a_second() -> None:
    columns = predictions(2000, right=0.8, seed=0)
    started = time.process_time()
    bootstrap(classified, columns, names=("accuracy", "f1_macro"))
    assert time.process_time() - started < 1.0


def test_column_that_the_score_does_not_read_costs_nothing() -> None:
    columns = {"x": np.zeros(1000), "wide": np.zeros((1000, 5000), dtype=np.float32)}
    started = time.process_time()
    bootstrap(mean, columns, names=["mean"], resamples=1000)
    assert time.process_time() - started < 1.0  # copying it would move 19 GiB


def test_intervals_are_values_that_cannot_change() -> None:
    interval = Interval(0.5, 0.4, 0.6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        interval.value = 0.7  # type: ignore[misc]
