"""Numbers as words: percent, points, counts, time spans and settings."""

from __future__ import annotations

import math

import pytest

from finetune.report import rounding


@pytest.mark.parametrize(("value", "words"), [
    (0.82314, "82.3%"), (1, "100.0%"), (0, "0.0%"), (-0.0001, "0.0%"), (-0.25, "-25.0%"), (1.05, "105.0%"),
    (None, "not measured"), (math.nan, "not measured"), ("0.5", "not measured"),
])
def test_a_share_is_told_in_percent(value: object, words: str) -> None:
    assert rounding.percent(value) == words


@pytest.mark.parametrize(("value", "words"), [
    (0.0312, "+3.1"), (-0.0312, "-3.1"), (0.0001, "0.0"), (-0.0001, "0.0"), (None, "not measured"),
])
def test_a_difference_is_signed_and_zero_has_no_sign(value: object, words: str) -> None:
    assert rounding.points(value) == words


@pytest.mark.parametrize(("value", "words"), [(0.2146, "+0.215"), (-3.2, "-3.20"), (0, "0"), (0.0848, "+0.085"), (6e-4, "+0.000600"), (1840, "+1,840"), (None, "not measured")])
def test_a_difference_of_numbers_is_signed_too(value: object, words: str) -> None:
    assert rounding.signed(value) == words


def test_one_row_is_singular() -> None:
    assert [rounding.plural(number, "row") for number in (0, 1, 1106)] == ["0 rows", "1 row", "1,106 rows"]


def test_a_small_share_never_reads_as_none() -> None:
    assert rounding.share(1, 20_000) == "under 0.1%"
    assert rounding.share(0, 20_000) == "0.0%"
    assert rounding.share(31, 1175) == "2.6%"
    assert rounding.share(30, 100) == "30%"
    assert rounding.share(0, 0) == "not measured"


@pytest.mark.parametrize(("value", "words"), [
    (0, "0"), (0.03124, "0.0312"), (21.91, "21.9"), (22.0, "22.0"), (99.96, "100"), (1840.4, "1,840"), (3.12e-8, "3.1e-8"), (-0.5, "-0.500"),
    (math.inf, "not measured"),
])
def test_a_quantity_keeps_three_digits(value: float, words: str) -> None:
    assert rounding.amount(value) == words


def test_epochs_are_whole_where_they_can_be() -> None:
    assert [rounding.epochs(value) for value in (3.0, 0.25, 1 / 3, None)] == ["3", "0.25", "0.33", "not measured"]


@pytest.mark.parametrize(("seconds", "words"), [
    (0.25, "0.25 s"), (41.2, "41 s"), (192, "3 min 12 s"), (7500, "2 h 5 min"), (None, "not measured"),
])
def test_a_time_span_has_two_units_at_most(seconds: object, words: str) -> None:
    assert rounding.duration(seconds) == words


@pytest.mark.parametrize(("value", "words"), [
    (3e-5, "3e-5"), (0.01, "0.01"), (1.0, "1"), (True, "true"), (None, "none"), (["shift", "flip"], "shift, flip"),
    ({"duplicates": "drop"}, "duplicates=drop"), ({}, "none"), ("3epochs", "3epochs"), (1e22, "1e22"),
])
def test_a_setting_reads_as_it_would_be_typed(value: object, words: str) -> None:
    assert rounding.setting(value) == words
