from __future__ import annotations

import json
import subprocess
import sys
import timeit

import numpy as np
import pytest
from sklearn import metrics as reference

from finetune.metrics.classification import confusion, per_class, scalars, scores, softmax

LABELS = ("cat", "dog", "eel")
TARGETS = np.array([0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 2, 2])


def drawn(case: str) -> tuple[np.ndarray, np.ndarray, int]:
    random = np.random.default_rng(3)
    targets, predictions = random.integers(0, 5, 400), random.integers(0, 5, 400)
    if case == "mostly right":
        predictions = np.where(random.random(400) < 0.8, targets, predictions)
    elif case == "two classes":
        return targets % 2, predictions % 2, 2
    elif case == "class never predicted":
        predictions = np.where(predictions == 3, 0, predictions)
    elif case == "class without rows":
        targets = np.where(targets == 3, 0, targets)
    elif case == "class neither in targets nor predictions":
        targets, predictions = targets % 4, predictions % 4
    elif case == "one class only":
        targets, predictions = np.full(400, 2), np.full(400, 2)
    elif case == "one class, never predicted":
        targets, predictions = np.full(400, 2), np.full(400, 1)
    elif case == "one row":
        targets, predictions = targets[:1], predictions[:1]
    else:
        assert case == "random", case
    return targets, predictions, 5


CASES = (
    "random",
    "mostly right",
    "two classes",
    "class never predicted",
    "class without rows",
    "class neither in targets nor predictions",
    "one class only",
    "one class, never predicted",
    "one row",
)


def test_softmax_gives_the_shares_of_the_exponentials() -> None:
    np.testing.assert_allclose(softmax(np.log([[1.0, 3.0], [1.0, 1.0]])), [[0.25, 0.75], [0.5, 0.5]])


def test_softmax_of_huge_logits_is_finite() -> None:
    np.testing.assert_array_equal(softmax(np.array([[1e4, 0.0], [-1e4, -1e4], [0.0, -np.inf]])), [[1, 0], [0.5, 0.5], [1, 0]])


@pytest.mark.parametrize(("given", "result"), [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8")])
def test_softmax_keeps_the_precision_of_the_logits_and_never_works_in_half(given: str, result: str) -> None:
    shares = softmax(np.zeros((2, 5000), dtype=given))
    assert shares.dtype == result
    np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-5)


def test_softmax_leaves_the_logits_as_they_were() -> None:
    logits = np.array([[1.0, 2.0]])
    softmax(logits)
    np.testing.assert_array_equal(logits, [[1.0, 2.0]])


def test_confusion_has_a_row_per_target_and_a_column_per_prediction() -> None:
    np.testing.assert_array_equal(confusion(TARGETS, PREDICTIONS, 4), [[2, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]])


def test_confusion_of_small_integer_types_does_not_overflow() -> None:
    counts = confusion(np.array([99], dtype=np.int8), np.array([98], dtype=np.uint64), 100)
    assert counts.sum() == counts[99, 98] == 1


@pytest.mark.parametrize(
    ("targets", "predictions"),
    [([0, 1], [0, 3]), ([0, 1], [0, -1]), ([3, 1], [0, 1]), ([-1, 1], [0, 1]), ([0, 1], [0]), ([0.0, 1.0], [0, 1])],
)
def test_confusion_refuses_what_is_no_pair_of_targets(targets: list[float], predictions: list[float]) -> None:
    with pytest.raises(AssertionError):
        confusion(np.array(targets), np.array(predictions), 3)


def test_scores_equal_the_ones_computed_by_hand() -> None:
    found = scores(TARGETS, PREDICTIONS, LABELS)
    scalar = {name: value for name, value in found.items() if isinstance(value, float)}
    assert scalar == pytest.approx(
        {
            "accuracy": 4 / 6,
            "f1_macro": (0.8 + 0.5 + 2 / 3) / 3,
            "precision_macro": (1 + 0.5 + 0.5) / 3,
            "recall_macro": (2 / 3 + 0.5 + 1) / 3,
            "f1_weighted": (3 * 0.8 + 2 * 0.5 + 2 / 3) / 6,
            "precision_weighted": (3 * 1 + 2 * 0.5 + 0.5) / 6,
            "recall_weighted": 4 / 6,
        }
    )
    assert found["confusion"] == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert found["per_class"] == [
        {"label": "cat", "precision": 1.0, "recall": pytest.approx(2 / 3), "f1": pytest.approx(0.8), "support": 3},
        {"label": "dog", "precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2},
        {"label": "eel", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
    ]


def test_scores_survive_a_round_trip_through_json() -> None:
    found = scores(TARGETS, PREDICTIONS, LABELS)
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_mean_scores_agree_with_scikit_learn(case: str, average: str) -> None:
    targets, predictions, num_classes = drawn(case)
    found = scalars(confusion(targets, predictions, num_classes))
    expected = reference.precision_recall_fscore_support(targets, predictions, average=average, zero_division=0)
    for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
        assert found[f"{name}_{average}"] == pytest.approx(value, abs=1e-12)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(targets, predictions), abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_class_scores_and_confusion_agree_with_scikit_learn(case: str) -> None:
    targets, predictions, num_classes = drawn(case)
    counts = confusion(targets, predictions, num_classes)
    names = list(range(num_classes))
    np.testing.assert_array_equal(counts, reference.confusion_matrix(targets, predictions, labels=names))
    expected = reference.precision_recall_fscore_support(targets, predictions, labels=names, zero_division=0)
    np.testing.assert_allclose(list(per_class(counts).values()), expected, atol=1e-12)


def test_class_without_rows_and_predictions_does_not_enter_the_macro_means() -> None:
    three, five = scores(TARGETS, PREDICTIONS, LABELS), scores(TARGETS, PREDICTIONS, (*LABELS, "fox", "gnu"))
    assert five["f1_macro"] == three["f1_macro"]
    assert five["per_class"][3] == {"label": "fox", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_class_that_is_only_predicted_enters_the_macro_means() -> None:
    found = scores(np.array([0, 0]), np.array([0, 1]), LABELS)
    assert found["f1_macro"] == pytest.approx((2 / 3 + 0) / 2)


def test_scores_of_no_rows_are_0() -> None:
    nothing = np.array([], dtype=np.int64)
    found = scalars(confusion(nothing, nothing, 3))
    assert {float(value) for value in found.values()} == {0.0}


def test_stacked_matrices_give_the_scores_of_each() -> None:
    matrices = [confusion(*drawn(case)) for case in CASES if drawn(case)[2] == 5]
    stacked = scalars(np.array([matrices, matrices]))
    for at, counts in enumerate(matrices):
        for name, value in scalars(counts).items():
            assert stacked[name].shape == (2, len(matrices))
            assert stacked[name][1, at] == pytest.approx(value, abs=1e-15)


def test_scores_of_2000_rows_take_well_under_a_millisecond() -> None:
    random = np.random.default_rng(0)
    targets, predictions = random.integers(0, 4, 2000), random.integers(0, 4, 2000)
    seconds = min(timeit.repeat(lambda: scores(targets, predictions, "abcd"), number=50, repeat=5)) / 50
    assert seconds < 1e-3


def test_classification_imports_numpy_alone() -> None:
    heavy = "{'torch', 'transformers', 'evaluate', 'datasets', 'sklearn', 'scipy', 'pandas'}"
    code = f"import sys, finetune.metrics.classification; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
