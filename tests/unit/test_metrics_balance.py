"""How uneven labels are, and what evens them out, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.metrics import balance


@pytest.mark.parametrize(("counts", "ratio", "effective"), [
    ([5, 5, 5], 1.0, 3.0),
    ([90, 10], 9.0, np.exp(-0.9 * np.log(0.9) - 0.1 * np.log(0.1))),
    ([1, 1, 998], 998.0, 1.016),
    ([7], 1.0, 1.0),
])
def test_ratio_and_effective_number_of_labels(counts: list[int], ratio: float, effective: float) -> None:
    assert balance.ratio(np.array(counts)) == ratio
    assert balance.effective_labels(np.array(counts)) == pytest.approx(effective, rel=1e-3)


def test_balanced_weights_give_every_label_the_same_weight() -> None:
    assert balance.weights(np.array([30, 10, 60]), "balanced") == pytest.approx([100 / 90, 100 / 30, 100 / 180])


def test_effective_weights_are_one_over_the_effective_number_of_rows() -> None:
    counts = np.array([10, 1000])
    by_hand = 1 / np.array([(1 - 0.999**10) / 0.001, (1 - 0.999**1000) / 0.001])  # 9.955 and 632.3 rows
    found = balance.weights(counts, "effective")
    assert found[0] / found[1] == pytest.approx(by_hand[0] / by_hand[1])
    assert found[0] / found[1] == pytest.approx(63.5, abs=0.1)  # balanced weights have 100


def test_effective_weights_are_equal_where_every_label_has_many_rows() -> None:
    assert balance.weights(np.array([20_000, 100_000]), "effective") == pytest.approx([1, 1])


@pytest.mark.parametrize("how", ["none", "balanced", "effective"])
def test_mean_weight_over_rows_is_one(how: str) -> None:
    counts = np.array([3, 400, 57])
    assert (balance.weights(counts, how) * counts).sum() == pytest.approx(460)


def test_no_weights_are_all_one() -> None:
    assert balance.weights(np.array([3, 400]), "none").tolist() == [1, 1]


def test_log_shares_are_the_logarithms_of_the_shares() -> None:
    assert np.exp(balance.log_shares(np.array([1, 3]))) == pytest.approx([0.25, 0.75])
