from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pytest
from sklearn import metrics as reference

from finetune.errors import FinetuneError
from finetune.metrics import hf
from finetune.metrics.classification import scores

CLASSES = (hf.Accuracy, hf.Precision, hf.Recall, hf.F1, hf.Confusion)
AVERAGED = {
    "precision": (hf.Precision, reference.precision_score),
    "recall": (hf.Recall, reference.recall_score),
    "f1": (hf.F1, reference.f1_score),
}
REFERENCES = np.array([0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize(
    ("metric", "options", "expected"),
    [
        (hf.Accuracy, {}, {"accuracy": 4 / 6}),
        (hf.Precision, {"average": "macro"}, {"precision": 2 / 3}),
        (hf.Recall, {"average": "macro"}, {"recall": (2 / 3 + 0.5 + 1) / 3}),
        (hf.F1, {"average": "macro"}, {"f1": (0.8 + 0.5 + 2 / 3) / 3}),
        (hf.F1, {"average": "weighted"}, {"f1": (3 * 0.8 + 2 * 0.5 + 2 / 3) / 6}),
        (hf.F1, {"average": "micro"}, {"f1": 4 / 6}),
    ],
)
def test_metric_equals_the_value_computed_by_hand(metric: Any, options: dict[str, str], expected: dict[str, float]) -> None:
    assert metric().compute(predictions=PREDICTIONS, references=REFERENCES, **options) == pytest.approx(expected)


def test_confusion_has_a_row_per_reference_and_a_column_per_prediction() -> None:
    found = hf.Confusion().compute(predictions=PREDICTIONS, references=REFERENCES)
    np.testing.assert_array_equal(found["confusion_matrix"], [[2, 1, 0], [0, 1, 1], [0, 0, 1]])


@pytest.mark.parametrize("name", AVERAGED)
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
@pytest.mark.parametrize("num_classes", [1, 2, 5])
def test_means_agree_with_scikit_learn(name: str, average: str | None, num_classes: int) -> None:
    random = np.random.default_rng(5)
    references, predictions = random.integers(0, num_classes, 300), random.integers(0, num_classes, 300)
    references, predictions = np.where(references == 3, 1, references), np.where(predictions == 4, 0, predictions)
    metric, expected = AVERAGED[name]
    found = metric().compute(predictions=predictions, references=references, average=average)
    wanted = expected(references, predictions, average=average, zero_division=0)
    np.testing.assert_allclose(found[name], wanted, atol=1e-12)


@pytest.mark.parametrize("name", AVERAGED)
@pytest.mark.parametrize(("negative", "positive"), [(0, 1), (-1, 1), (1, 0), (7, 100000)])
def test_binary_scores_of_any_two_targets_agree_with_scikit_learn(name: str, negative: int, positive: int) -> None:
    random = np.random.default_rng(6)
    references = np.where(random.random(200) < 0.3, positive, negative)
    predictions = np.where(random.random(200) < 0.4, positive, negative)
    metric, expected = AVERAGED[name]
    found = metric().compute(predictions=predictions, references=references, pos_label=positive)
    assert found[name] == pytest.approx(expected(references, predictions, pos_label=positive), abs=1e-12)


def test_binary_score_is_0_where_the_positive_target_never_occurs() -> None:
    assert hf.F1().compute(predictions=[0, 0], references=[0, 0]) == {"f1": 0.0}


def test_metrics_agree_with_the_scores_of_a_run() -> None:
    found = scores(REFERENCES, PREDICTIONS, ("cat", "dog", "eel"))
    for name, (metric, _) in AVERAGED.items():
        computed = metric().compute(predictions=PREDICTIONS, references=REFERENCES, average="macro")
        assert computed[name] == found[f"{name}_macro"]
    accuracy = hf.Accuracy().compute(predictions=PREDICTIONS, references=REFERENCES)
    confusion = hf.Confusion().compute(predictions=PREDICTIONS, references=REFERENCES)
    assert accuracy["accuracy"] == found["accuracy"]
    assert confusion["confusion_matrix"].tolist() == found["confusion"]


@pytest.mark.parametrize("metric", CLASSES)
def test_two_batches_score_like_one(metric: Any) -> None:
    options = {} if metric in (hf.Accuracy, hf.Confusion) else {"average": "macro"}
    batched = metric()
    batched.add_batch(predictions=PREDICTIONS[:2], references=REFERENCES[:2])
    batched.add_batch(predictions=PREDICTIONS[2:].tolist(), references=REFERENCES[2:].tolist())
    at_once = metric().compute(predictions=PREDICTIONS, references=REFERENCES, **options)
    for name, value in batched.compute(**options).items():
        np.testing.assert_array_equal(value, at_once[name])


def test_rows_of_one_computation_do_not_enter_the_next() -> None:
    accuracy = hf.Accuracy()
    assert accuracy.compute(predictions=[0, 1], references=[1, 0]) == {"accuracy": 0.0}
    assert accuracy.compute(predictions=[0, 1], references=[0, 1]) == {"accuracy": 1.0}


def test_two_metrics_of_one_class_keep_their_rows_apart() -> None:
    first, second = hf.Accuracy(), hf.Accuracy()
    first.add_batch(predictions=[0], references=[1])
    second.add_batch(predictions=[0], references=[0])
    assert (first.compute(), second.compute()) == ({"accuracy": 0.0}, {"accuracy": 1.0})


def test_metrics_combine_like_any_of_the_library() -> None:
    found = evaluate.combine([hf.Accuracy(), hf.F1()]).compute(predictions=[0, 1, 1], references=[0, 1, 0])
    assert found == pytest.approx({"accuracy": 2 / 3, "f1": 2 / 3})


def test_no_rows_score_0() -> None:
    nothing: list[int] = []
    assert hf.Accuracy().compute(predictions=nothing, references=nothing) == {"accuracy": 0.0}
    assert hf.F1().compute(predictions=nothing, references=nothing, average="macro") == {"f1": 0.0}


@pytest.mark.parametrize("metric", CLASSES)
def test_metric_needs_no_network_and_leaves_nothing_on_disk(
    metric: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    computed = metric()
    computed.add_batch(predictions=[0, 1], references=[0, 1])
    assert list(tmp_path.iterdir()) == []
    computed.add_batch(predictions=[0, 1], references=[1, 1])
    assert computed.compute()
    assert list(tmp_path.iterdir()) == []


def test_binary_score_of_three_targets_says_what_to_use() -> None:
    with pytest.raises(FinetuneError, match=r"^average: 'binary' found .* targets 0, 1, 2.*Use average='macro'"):
        hf.F1().compute(predictions=PREDICTIONS, references=REFERENCES)


def test_binary_score_without_the_positive_target_among_two_is_refused() -> None:
    with pytest.raises(FinetuneError, match="pos_label=1 and the targets 0, 2"):
        hf.Recall().compute(predictions=[0, 2], references=[2, 2])


def test_unknown_average_names_the_allowed_ones_and_the_nearest() -> None:
    with pytest.raises(FinetuneError, match=r"'weigthed' found, allowed are binary, macro.*Did you mean 'weighted'\?"):
        hf.Precision().compute(predictions=[0, 1], references=[0, 1], average="weigthed")
