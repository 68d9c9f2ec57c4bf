"""Ranking scores against scikit-learn, and by hand where scikit-learn has no answer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from finetune.metrics import ranking


def drawn(seed: int, *, ties: bool, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = random.random(200) < 0.2
    scores = np.clip(0.3 * targets + 0.8 * random.random(200), 0, 1)
    return targets.astype(np.int64), (scores.round(1) if ties else scores).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed: int, ties: bool, dtype: type) -> None:
    targets, scores = drawn(seed, ties=ties, dtype=dtype)
    assert ranking.average_precision(targets, scores) == pytest.approx(metrics.average_precision_score(targets, scores))
    assert ranking.roc_auc(targets, scores) == pytest.approx(metrics.roc_auc_score(targets, scores))
    precision, recall, _ = metrics.precision_recall_curve(targets, scores)
    for wanted in (0.99, 0.5, 0.3):
        best = max(recall[precision >= wanted], default=0.0)
        assert ranking.recall_at_precision(targets, scores, wanted) == pytest.approx(best)
    ours = ranking.curve(targets, scores)
    np.testing.assert_allclose(ours[0], recall[:-1][::-1])
    np.testing.assert_allclose(ours[1], precision[:-1][::-1])


def test_by_hand_a_wrong_row_between_two_right_ones() -> None:
    targets, scores = np.array([1, 0, 1]), np.array([0.9, 0.5, 0.1])
    assert ranking.average_precision(targets, scores) == pytest.approx((1 + 2 / 3) / 2)
    assert ranking.roc_auc(targets, scores) == 0.5
    assert ranking.recall_at_precision(targets, scores, 0.99) == 0.5


def test_rows_of_equal_score_count_together_whatever_their_order() -> None:
    for targets in ([1, 0, 1, 0], [0, 1, 0, 1]):
        scores = np.full(4, 0.25, np.float32)
        assert ranking.average_precision(np.array(targets), scores) == 0.5
        assert ranking.roc_auc(np.array(targets), scores) == 0.5
        assert ranking.recall_at_precision(np.array(targets), scores, 0.5) == 1.0


@pytest.mark.parametrize(("targets", "precision", "auc"), [([0, 0, 0], 0.0, 0.5), ([1, 1, 1], 1.0, 0.5), ([], 0.0, 0.5)])
def test_one_kind_of_row_alone_has_a_finite_score(targets: list[int], precision: float, auc: float) -> None:
    scores = np.linspace(0, 1, len(targets), dtype=np.float32)
    assert ranking.average_precision(np.array(targets), scores) == precision
    assert ranking.roc_auc(np.array(targets), scores) == auc
    assert ranking.recall_at_precision(np.array(targets), scores, 0.99) == precision


def test_negative_zero_ranks_with_zero() -> None:
    assert ranking.average_precision(np.array([1, 0]), np.array([0.0, -0.0], np.float32)) == 0.5


def test_threshold_lies_between_the_scores_that_it_parts() -> None:
    scores = np.array([0.05] * 50 + [0.2] * 50, np.float32)
    targets = np.array([0] * 50 + [1] * 50)
    cut = ranking.best_threshold(targets, scores)
    assert 0.05 < cut < 0.2


def test_threshold_has_the_best_f1_of_all_cuts_where_many_rows_tell() -> None:
    random = np.random.default_rng(0)
    targets = (random.random(4000) < 0.3).astype(int)
    scores = np.clip(0.1 * targets + 0.3 * random.random(4000), 0, 1)
    best = max(metrics.f1_score(targets, scores >= cut) for cut in np.unique(scores))
    assert metrics.f1_score(targets, scores >= ranking.best_threshold(targets, scores)) == pytest.approx(best, abs=0.01)


def test_threshold_of_few_rows_is_drawn_to_a_half() -> None:
    few = ranking.best_threshold(np.array([0, 1]), np.array([0.02, 0.1]))
    many = ranking.best_threshold(np.array([0, 1] * 500), np.array([0.02, 0.1] * 500))
    assert many == pytest.approx(0.06, abs=0.005)
    assert many < few < 0.5


def test_threshold_without_a_row_of_the_label_is_a_half() -> None:
    assert ranking.best_threshold(np.array([0, 0]), np.array([0.2, 0.9])) == 0.5
