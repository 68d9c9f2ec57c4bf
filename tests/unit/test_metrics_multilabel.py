"""Scores of several labels a row against scikit-learn, and by hand where labels are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from finetune.metrics import multilabel

LABELS = ("a", "b", "c")


def scored(targets: np.ndarray, predictions: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    return multilabel.scores({"target": targets, "prediction": predictions, "probabilities": probabilities}, LABELS)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = (random.random((120, 3)) < (0.5, 0.2, 0.1)).astype(np.int64)
    probabilities = np.clip(0.3 * targets + 0.7 * random.random((120, 3)), 0, 1).astype(np.float32)
    return targets, (probabilities >= 0.5).astype(np.int64), probabilities


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    targets, predictions, probabilities = drawn(seed)
    found = scored(targets, predictions, probabilities)
    assert found["f1_micro"] == pytest.approx(metrics.f1_score(targets, predictions, average="micro"))
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(targets, predictions, average="macro"))
    assert found["map"] == pytest.approx(metrics.average_precision_score(targets, probabilities, average="macro"))
    assert found["subset_accuracy"] == pytest.approx(metrics.accuracy_score(targets, predictions))
    assert found["hamming_loss"] == pytest.approx(metrics.hamming_loss(targets, predictions))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(targets, predictions)
    for place, entry in enumerate(found["per_class"]):
        assert entry["label"] == LABELS[place]
        assert [entry[name] for name in ("precision", "recall", "f1", "support")] == pytest.approx(
            [precision[place], recall[place], f1[place], support[place]])


def test_rows_without_any_label_that_are_left_alone_are_all_right() -> None:
    nothing = np.zeros((4, 3), np.int64)
    found = scored(nothing, nothing, np.zeros((4, 3), np.float32))
    assert (found["subset_accuracy"], found["hamming_loss"]) == (1.0, 0.0)
    assert (found["f1_micro"], found["f1_macro"], found["map"]) == (0.0, 0.0, 0.0)


def test_a_label_that_no_row_has_does_not_count_in_the_means() -> None:
    targets = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]])
    found = scored(targets, targets, targets.astype(np.float32))
    assert (found["f1_macro"], found["map"]) == (1.0, 1.0)


def test_every_label_everywhere_is_a_perfect_score_for_who_says_so() -> None:
    every = np.ones((3, 3), np.int64)
    found = scored(every, every, np.ones((3, 3), np.float32))
    assert found["f1_micro"] == found["map"] == found["subset_accuracy"] == 1.0


def test_sigmoid_is_safe_and_keeps_small_chances_apart() -> None:
    found = multilabel.sigmoid(np.array([-1000.0, -50.0, -40.0, 0.0, 1000.0], np.float32))
    assert found.dtype == np.float32
    assert found[0] == 0 and found[3] == 0.5 and found[4] == 1.0
    assert 0 < found[1] < found[2]


def test_answers_name_the_labels_above_their_thresholds_most_likely_first() -> None:
    columns = {"prediction": np.array([[1, 0, 1], [0, 0, 0]]), "probabilities": np.array([[0.3, 0.4, 0.9], [0.1, 0.2, 0.0]])}
    first, second = multilabel.answers(columns, LABELS)
    assert first == {"labels": ["c", "a"], "probabilities": {"c": 0.9, "b": 0.4, "a": 0.3}}
    assert second["labels"] == []


def test_the_surest_wrong_decision_comes_first() -> None:
    columns = {"target": np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]]), "prediction": np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]]),
               "probabilities": np.array([[0.9, 0.1, 0.1], [0.8, 0.1, 0.2], [0.1, 0.2, 0.6]])}
    assert multilabel.mistakes(columns, LABELS, 5) == [
        (1, {"label": "a, b", "prediction": "a", "probability": pytest.approx(0.9)}),
        (2, {"label": "(none)", "prediction": "c", "probability": pytest.approx(0.6)})]


def test_a_probability_that_reaches_its_own_threshold_is_a_yes() -> None:
    logits = np.log(np.array([[0.2, 0.2, 0.9], [0.6, 0.1, 0.1]]) / (1 - np.array([[0.2, 0.2, 0.9], [0.6, 0.1, 0.1]])))
    assert multilabel.predicted(logits, (0.15, 0.3, 0.95))["prediction"].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert multilabel.predicted(logits, "auto")["prediction"].tolist() == [[0, 0, 1], [1, 0, 0]]


def test_every_label_gets_a_threshold_of_its_own() -> None:
    targets, _, probabilities = drawn(0)
    cuts = multilabel.thresholds(targets, probabilities)
    assert len(cuts) == 3 and all(0 < cut < 1 for cut in cuts)
    assert len(set(cuts)) == 3
