"""The tests of likeness say what scipy's own say, and ask for no more than the rows can tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from finetune.clean.survey.significance import chi_square, holm, kolmogorov_smirnov

RANDOM = np.random.default_rng(5)
SAMPLES = {
    "equal": (RANDOM.normal(size=300), RANDOM.normal(size=200)),
    "shifted": (RANDOM.normal(size=400), RANDOM.normal(0.3, size=150)),
    "wider": (RANDOM.normal(size=1000), 2 * RANDOM.normal(size=900)),
    "small": (RANDOM.normal(size=25), RANDOM.normal(0.5, size=12)),
    "tied": (RANDOM.integers(0, 30, 500).astype(float), RANDOM.integers(2, 30, 400).astype(float)),
}
COUNTS = {
    "alike": ({"a": 100, "b": 200}, {"a": 11, "b": 19}),
    "unlike": ({"a": 900, "b": 90, "c": 10}, {"a": 600, "b": 300, "c": 100}),
    "many": ({str(kind): 500 - 10 * kind for kind in range(40)}, {str(kind): 100 + 3 * kind for kind in range(40)}),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_kolmogorov_smirnov_agrees_with_scipy(name: str) -> None:
    one, other = SAMPLES[name]
    found, expected = kolmogorov_smirnov(one, other), stats.ks_2samp(one, other, method="exact")
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found.effect == found.statistic
    assert found.p == pytest.approx(expected.pvalue, rel=0.25, abs=1e-9) or (name == "tied" and found.p > expected.pvalue)


@pytest.mark.parametrize("name", COUNTS)
def test_chi_square_agrees_with_scipy(name: str) -> None:
    one, other = COUNTS[name]
    expected = stats.chi2_contingency([[side[kind] for kind in one] for side in (one, other)], correction=False)
    found = chi_square(one, other)
    assert found is not None
    assert (found.statistic, found.p) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))


def test_effect_of_counts_is_the_share_of_rows_that_would_have_to_change() -> None:
    found = chi_square({"a": 500, "b": 500}, {"a": 40, "b": 60})
    assert found is not None
    assert found.effect == pytest.approx(0.1)


def test_rare_kinds_are_counted_together() -> None:
    one = {"a": 700, "b": 260} | {f"rare {number}": 5 for number in range(8)}
    other = {"a": 70, "b": 26} | {f"rare {number}": 1 for number in range(4)}
    expected = stats.chi2_contingency([[700, 300], [70, 30]], correction=False)  # the rest is short, so b joins it
    found = chi_square(one, other)
    assert found is not None
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)


@pytest.mark.parametrize(("one", "other"), [({}, {"a": 3}), ({"a": 10}, {"a": 3}), ({"a": 3, "b": 2}, {"a": 2, "b": 3})])
def test_too_little_to_compare_is_not_judged(one: dict[str, int], other: dict[str, int]) -> None:
    assert chi_square(one, other) is None


def test_holm_is_step_down_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


def test_chance_alone_is_rarely_called_significant() -> None:
    random = np.random.default_rng(11)
    alarms = sum(kolmogorov_smirnov(random.normal(size=80), random.normal(size=60)).p < 0.05 for _ in range(400))
    assert 4 <= alarms <= 32  # 20 are expected; four standard deviations either way
