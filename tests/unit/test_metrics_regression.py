"""Scores of numbers, against scipy and scikit-learn and where a formula would divide by nothing."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.metrics import regression


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_the_libraries(seed: int) -> None:
    from scipy import stats
    from sklearn import metrics

    random = np.random.default_rng(seed)
    truth = random.integers(0, 6, 60).astype(float)  # many ties
    said = np.round(truth + random.normal(0, 1.5, 60), 1)
    found = regression.scores(truth, said)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, said))
    assert found["mse"] == pytest.approx(metrics.mean_squared_error(truth, said))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, said))
    assert found["pearson"] == pytest.approx(stats.pearsonr(truth, said).statistic)
    assert found["spearman"] == pytest.approx(stats.spearmanr(truth, said).statistic)
    assert len(found["points"]) == 60


def test_right_numbers_score_one_and_their_mean_nothing() -> None:
    truth = np.array([1.0, 2.0, 6.0])
    best, mean = regression.scores(truth, truth), regression.scores(truth, np.full(3, 3.0))
    assert (best["mae"], best["r2"], best["pearson"], best["spearman"]) == pytest.approx((0, 1, 1, 1))
    assert (mean["r2"], mean["pearson"], mean["spearman"]) == pytest.approx((0, 0, 0))


def test_one_row_and_equal_numbers_have_scores() -> None:
    one, equal = regression.scores(np.array([2.0]), np.array([3.0])), regression.scores(np.full(4, 2.0), np.arange(4.0))
    assert (one["mae"], one["r2"], one["pearson"]) == (1.0, 0.0, 0.0)
    assert (equal["r2"], equal["pearson"], equal["spearman"]) == (0.0, 0.0, 0.0)


def test_many_rows_are_drawn_from_first_to_last() -> None:
    numbers = np.arange(5000.0)
    points = regression.scores(numbers, numbers)["points"]
    assert len(points) == regression.POINTS
    assert (points[0], points[-1]) == ([0.0, 0.0], [4999.0, 4999.0])


@pytest.mark.parametrize("unit", [1e-12, 1e-7, 1.0, 1e9])
def test_the_unit_of_the_numbers_changes_no_score_without_unit(unit: float) -> None:
    random = np.random.default_rng(1)
    truth = random.normal(3.0, 1.0, 40)
    said = truth + random.normal(0.0, 0.5, 40)
    one, other = regression.scores(truth, said), regression.scores(unit * truth, unit * said)
    for name in ("r2", "pearson", "spearman"):
        assert other[name] == pytest.approx(one[name]) and one[name] > 0.5


def test_numbers_that_differ_by_rounding_alone_are_equal() -> None:
    equal = np.full(3, 0.1)
    assert equal.var() > 0
    found = regression.scores(equal, np.array([1.0, 2.0, 3.0]))
    assert (found["r2"], found["pearson"], found["spearman"]) == (0.0, 0.0, 0.0)
