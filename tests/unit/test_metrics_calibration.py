"""Temperature and calibration error, against numbers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.metrics import calibration
from finetune.metrics.classification import softmax


def drawn(count: int, temperature: float, *, labels: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of logits that are `temperature` times too large for the targets drawn from them."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=2.0, size=(count, labels))
    honest = softmax(logits)
    targets = (honest.cumsum(axis=1) < random.random((count, 1))).sum(axis=1)
    return softmax(temperature * logits), targets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 4.0])
def test_fit_finds_the_factor_that_the_logits_are_too_large_by(temperature: float) -> None:
    probabilities, targets = drawn(20_000, temperature)
    assert calibration.fit_temperature(probabilities, targets) == pytest.approx(temperature, rel=0.05)


def test_fit_is_where_the_log_loss_is_lowest() -> None:
    probabilities, targets = drawn(500, 2.5)

    def loss(temperature: float) -> float:
        return -float(np.log(calibration.tempered(probabilities, temperature)[np.arange(500), targets]).mean())

    found = calibration.fit_temperature(probabilities, targets)
    assert loss(found) < min(loss(found * 1.01), loss(found / 1.01))


def test_two_labels_give_the_temperature_of_their_odds() -> None:
    sure = np.array([[0.9, 0.1]] * 10)  # odds 9:1, and right in 7 of 10 rows: log 9 / T = log (7 / 3)
    targets = np.array([0] * 7 + [1] * 3)
    assert calibration.fit_temperature(sure, targets) == pytest.approx(np.log(9) / np.log(7 / 3), rel=1e-6)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_rows_without_a_mistake_leave_the_temperature_alone(count: int) -> None:
    assert calibration.fit_temperature(np.array([[0.2, 0.8]] * count).reshape(count, 2), np.ones(count, np.int64)) == 1.0


def test_labels_against_all_predictions_stop_at_the_hottest() -> None:
    assert calibration.fit_temperature(np.array([[0.1, 0.9]] * 30), np.zeros(30, np.int64)) == pytest.approx(calibration.HOTTEST)


def test_certain_and_wrong_is_no_division_by_nothing() -> None:
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    assert 1 < calibration.fit_temperature(probabilities, np.array([0, 0, 1])) <= calibration.HOTTEST


def test_tempering_keeps_predictions_and_can_be_taken_back() -> None:
    probabilities, _ = drawn(300, 1.0)
    softer = calibration.tempered(probabilities, 2.0)
    assert (softer.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert (softer.max(axis=1) < probabilities.max(axis=1)).all()
    assert calibration.tempered(softer, 0.5) == pytest.approx(probabilities, abs=1e-12)


def test_error_is_the_gap_between_sure_and_right() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 10)
    targets = np.array([0] * 6 + [1] * 4 + [1] * 8 + [0] * 2)  # 0.9 and right in 0.6; 0.6 and right in 0.8
    assert calibration.expected_calibration_error(probabilities, targets) == pytest.approx(0.5 * 0.3 + 0.5 * 0.2)


def test_error_of_certain_and_right_is_nothing() -> None:
    assert calibration.expected_calibration_error(np.eye(4), np.arange(4)) == 0.0


def test_fit_lowers_the_error() -> None:
    probabilities, targets = drawn(5_000, 3.0)
    before = calibration.expected_calibration_error(probabilities, targets)
    after = calibration.expected_calibration_error(
        calibration.tempered(probabilities, calibration.fit_temperature(probabilities, targets)), targets)
    assert before > 0.1
    assert after < 0.02
