"""What holds for both tasks of several labels a row, and what is particular to texts."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from finetune import override, recipe, saved
from finetune.contracts import Batch, Draw
from finetune.data.examples import Examples
from finetune.data.pixels import ImageProcessor
from finetune.errors import DataError, SpecError
from finetune.tasks.multilabel_image import MultiLabelImageClassification
from finetune.tasks.multilabel_text import MultiLabelTextClassification
from tests.unit.small_tokenizer import processor

LABELS = ("loud", "mean", "rude")
LISTS: list[list[str]] = [["mean"], [], ["rude", "loud"], ["rude"]]
LOGITS = np.log(np.array([[0.2, 0.6, 0.1], [0.1, 0.2, 0.4], [0.9, 0.1, 0.7], [0.6, 0.1, 0.3]]) / np.array(
    [[0.8, 0.4, 0.9], [0.9, 0.8, 0.6], [0.1, 0.9, 0.3], [0.4, 0.9, 0.7]]))


def png(value: int) -> bytes:
    opened = io.BytesIO()
    Image.fromarray(np.full((9, 9, 3), value, np.uint8)).save(opened, format="PNG")
    return opened.getvalue()


CASES: dict[str, tuple[Any, Any, list[dict[str, Any]]]] = {
    "text": (MultiLabelTextClassification(labels=LABELS, max_tokens=8), processor(),
             [{"text": text, "label": names} for text, names in zip(["a", "b c", "d e f", ""], LISTS, strict=True)]),
    "image": (MultiLabelImageClassification(labels=LABELS), ImageProcessor(size=8, mean=(0.5,) * 3, std=(0.5,) * 3),
              [{"image": png(40 * i), "label": names} for i, names in enumerate(LISTS)]),
}
both = pytest.mark.parametrize(("task", "made", "rows"), CASES.values(), ids=CASES)


def batch_of(task: Any, made: Any, rows: list[dict[str, Any]]) -> Batch:
    return task.collate(task.encode(rows, made), made)  # type: ignore[no-any-return]


def tensors(batch: Batch) -> Batch:
    return replace(batch, targets={name: torch.as_tensor(value) for name, value in batch.targets.items()})


@both
def test_targets_are_one_where_the_row_has_the_label(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    batch = batch_of(task, made, rows)
    assert batch.targets["target"].tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1], [0, 0, 1]]
    assert not {"target", "label"} & set(batch.inputs)


@both
def test_a_row_with_no_list_has_no_target_and_one_with_an_empty_list_has(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    assert batch_of(task, made, [{**rows[0], "label": None}, rows[1]]).targets == {}
    assert batch_of(task, made, [{**rows[0], "label": []}]).targets["target"].tolist() == [[0, 0, 0]]


@both
def test_loss_is_a_sum_over_rows_and_labels_whose_mean_is_binary_cross_entropy(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    batch, logits = tensors(batch_of(task, made, rows)), torch.tensor(LOGITS)
    total, count = task.loss({"logits": logits}, batch)
    assert count == task.count(batch) == 12
    mean = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.targets["target"].double())
    assert float(total) == pytest.approx(12 * float(mean), rel=1e-6)


@both
def test_loss_of_micro_batches_adds_up_to_that_of_the_batch(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    logits = torch.tensor(LOGITS)
    parts = [task.loss({"logits": logits[cut]}, tensors(batch_of(task, made, rows[cut]))) for cut in (slice(0, 1), slice(1, 4))]
    whole = task.loss({"logits": logits}, tensors(batch_of(task, made, rows)))
    assert sum(float(part.total) for part in parts) == pytest.approx(float(whole.total), rel=1e-6)
    assert sum(part.count for part in parts) == whole.count


@both
def test_a_half_is_the_threshold_until_one_is_fitted(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    found = task.predict({"logits": LOGITS}, batch_of(task, made, rows))
    assert found["prediction"].tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1], [1, 0, 0]]
    cut = replace(task, thresholds=(0.15, 0.7, 0.25))
    assert cut.predict({"logits": LOGITS}, batch_of(task, made, rows))["prediction"].tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 1], [1, 0, 1]]


@both
def test_thresholds_are_fitted_on_the_rows_given_unless_the_user_set_them(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    targets = np.tile([[1, 0, 1], [0, 1, 0]], (200, 1))
    columns = {"target": targets, "probabilities": np.where(targets > 0, [0.3, 0.9, 0.6], [0.1, 0.7, 0.5])}
    fitted = task.calibrated(columns).thresholds
    assert all(low < cut <= high for cut, low, high in zip(fitted, [0.1, 0.7, 0.5], [0.3, 0.9, 0.6], strict=True))
    assert replace(task, thresholds=(0.5, 0.5, 0.5)).calibrated(columns).thresholds == (0.5, 0.5, 0.5)


@both
def test_scores_hold_the_primary_one_and_every_label_with_its_threshold(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    found = task.score(task.predict({"logits": LOGITS}, batch_of(task, made, rows)))
    assert found[task.primary] == found["map"]
    assert [entry["label"] for entry in found["per_class"]] == list(LABELS)
    assert [entry["threshold"] for entry in found["per_class"]] == [0.5] * 3
    assert found["subset_accuracy"] == 0.75


@both
def test_answers_and_mistakes_are_json_able(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    columns = task.predict({"logits": LOGITS}, batch_of(task, made, rows))
    answers = json.loads(json.dumps(task.answers(columns)))
    assert [answer["labels"] for answer in answers] == [["mean"], [], ["loud", "rude"], ["loud"]]
    assert list(answers[2]["probabilities"]) == ["loud", "rude", "mean"]
    (place, told), = task.mistakes(columns, 3)
    assert (place, told["label"], told["prediction"]) == (3, "rude", "loud")
    assert json.dumps(told)


@both
def test_a_saved_task_comes_back_with_its_thresholds(task: Any, made: Any, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    fitted = replace(task, thresholds=(0.25, 0.5, 0.75))
    saved.write(tmp_path, fitted, made, family="hf")
    assert saved.read(tmp_path)[0] == fitted


@both
def test_learning_takes_the_labels_of_the_lists_and_spreads_one_threshold(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    table = pa.table({"row": ["x:1", "x:2"], "label": pa.array([["b", "a"], []], pa.list_(pa.string()))})
    assert replace(task, labels="auto").learn({"train": table}).labels == ("a", "b")
    assert replace(task, labels="auto", thresholds=(0.3,)).learn({"train": table}).thresholds == (0.3, 0.3)
    with pytest.raises(DataError, match="no training row has the label 'c'"):
        replace(task, labels=("a", "b", "c")).learn({"train": table})


@both
def test_baselines_give_a_probability_for_each_label(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    found = task.baselines(rows * 3, rows, seed=0)
    assert list(found) == (["majority", "tfidf_linear"] if "text" in rows[0] else ["majority"])
    assert np.allclose(found["majority"]["probabilities"], [[0.25, 0.25, 0.5]] * 4)
    assert found["majority"]["prediction"].tolist() == [[0, 0, 1]] * 4
    for columns in found.values():
        assert columns["probabilities"].shape == columns["prediction"].shape == (4, 3)


@both
@pytest.mark.parametrize(("settings", "said"), [
    ({"thresholds": (0.5, 1.0, 0.5)}, "task.thresholds: 1.0 found, allowed are numbers between 0 and 1. Use 0.5, or auto."),
    ({"thresholds": ()}, "task.thresholds: nothing found, allowed are numbers between 0 and 1. Use 0.5, or auto."),
    ({"thresholds": (0.5, 0.4)}, "task.thresholds: 2 given for 3 labels. Give one for each, or one for all."),
    ({"thresholds": (0.5, 0.4), "labels": "auto"}, "task.thresholds: 2 given, but which label each is for is not. Add "
     "task.labels=A,B,... in the same order, or give one for all."),
])
def test_settings_that_cannot_be_are_a_problem(task: Any, made: Any, rows: list[dict[str, Any]], settings: dict[str, Any], said: str) -> None:
    assert replace(task, **settings).problems() == [said]


@both
def test_settings_as_they_come_have_no_problems(task: Any, made: Any, rows: list[dict[str, Any]]) -> None:
    assert task.problems() == type(task)().problems() == []


def test_a_user_sets_thresholds_and_the_score_that_decides() -> None:
    found = override.apply(recipe.load("toxicity"), ["task.thresholds=0.3,0.5", "task.primary=f1_macro"]).task
    assert (found.thresholds, found.primary) == ((0.3, 0.5), "f1_macro")
    with pytest.raises(SpecError, match=r"task.thresholds: 'low,0.5' found, allowed is auto or a list such as 0.3,0.5"):
        override.apply(recipe.load("toxicity"), ["task.thresholds=low,0.5"])


def test_a_text_is_changed_alike_by_the_same_draw_and_keeps_its_target() -> None:
    task, made, rows = CASES["text"]
    examples = Examples(pa.Table.from_pylist(rows), replace(task, augmentations=("drop_words",)), made)
    first, second = (examples.task.augment(examples, Draw(5, 1, 2)) for _ in range(2))
    assert first["input_ids"] == second["input_ids"]
    assert first["target"].tolist() == [1, 0, 1]
