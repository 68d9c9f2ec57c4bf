"""Most scores are shares, in percent and points; correlations and errors are told as the numbers they are."""

from __future__ import annotations

import pytest

from finetune.report.scales import NUMBER, SHARE, scale

SCORE = {"value": 0.823, "low": 0.791, "high": 0.856}
GAIN = {"value": 0.031, "low": -0.008, "high": 0.054}


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "map", "average_precision", "exact_match", "rougeL"])
def test_most_metrics_are_shares(metric: str) -> None:
    assert scale(metric) is SHARE


@pytest.mark.parametrize("metric", ["pearson", "spearman", "r2", "mae", "mse"])
def test_correlations_and_errors_are_numbers(metric: str) -> None:
    assert scale(metric) is NUMBER


def test_a_score_shows_its_interval_where_there_is_one() -> None:
    assert SHARE.score_with_range(SCORE) == "82.3% (79.1 to 85.6%)"
    assert NUMBER.score_with_range(SCORE) == "0.823 (0.791 to 0.856)"
    assert [told.score_with_range({"value": 0.823}) for told in (SHARE, NUMBER)] == ["82.3%", "0.823"]
    assert [told.score_with_range(None) for told in (SHARE, NUMBER)] == ["not measured"] * 2


def test_a_change_shows_its_sign_and_interval() -> None:
    assert SHARE.change_with_range(GAIN) == "+3.1 points (-0.8 to +5.4)"
    assert NUMBER.change_with_range(GAIN) == "+0.031 (-0.008 to +0.054)"
    assert [told.change_with_range({"value": 0.031}) for told in (SHARE, NUMBER)] == ["+3.1 points", "+0.031"]
