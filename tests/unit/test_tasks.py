"""What holds for every task of one label a row: the verbs agree with each other on small inputs, whatever a row is."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from finetune import tasks
from finetune.contracts import Batch, Draw
from finetune.data.examples import Examples
from finetune.data.pixels import ImageProcessor
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.pair_classification import PairClassification
from finetune.tasks.text_classification import TextClassification
from tests.unit.small_tokenizer import WORDS, processor


def png(value: int) -> bytes:
    opened = io.BytesIO()
    Image.fromarray(np.full((9, 9, 3), value, np.uint8)).save(opened, format="PNG")
    return opened.getvalue()


def linear_on_tokens(inputs: dict[str, Any]) -> np.ndarray:
    """Logits from the sum of what every attended token stands for."""
    vectors = np.random.default_rng(1).normal(size=(len(WORDS), 3))
    return (vectors[inputs["input_ids"]] * inputs["attention_mask"][..., None]).sum(axis=1)


def linear_on_pixels(inputs: dict[str, Any]) -> np.ndarray:
    """Logits from a weighted sum of all pixels."""
    pixels = inputs["pixel_values"].reshape(len(inputs["pixel_values"]), -1)
    return pixels @ np.random.default_rng(1).normal(size=(pixels.shape[1], 3))


@dataclass(frozen=True)
class Case:
    """A task, its processor, rows of different cost, and a model that can be worked out by hand."""

    task: Any
    processor: Any
    rows: list[dict[str, Any]]
    model: Callable[[dict[str, Any]], np.ndarray]


LABELS = ("bad", "good", "so so")
CASES = {
    "text_classification": Case(
        TextClassification(labels=LABELS, max_tokens=8), processor(),
        [{"text": text, "label": label} for text, label in zip(["a", "b c d e f a b c", "d e", ""], [*LABELS, "bad"], strict=True)],
        linear_on_tokens),
    "image_classification": Case(
        ImageClassification(labels=LABELS, augmentations=("shift", "flip")),
        ImageProcessor(size=8, mean=(0.5,) * 3, std=(0.5,) * 3),
        [{"image": png(40 * i), "label": label} for i, label in enumerate([*LABELS, "bad"])],
        linear_on_pixels),
    "pair_classification": Case(
        PairClassification(labels=LABELS, max_tokens=8), processor(),
        [{"text_a": one, "text_b": other, "label": label}
         for one, other, label in zip(["a", "b c d", "d e", ""], ["b", "d a a", "", "c"], [*LABELS, "bad"], strict=True)],
        linear_on_tokens),
}
every_task = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def batch_of(case: Case, rows: list[dict[str, Any]]) -> Batch:
    return case.task.collate(case.task.encode(rows, case.processor), case.processor)


def predicted(case: Case, rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    batch = batch_of(case, rows)
    return case.task.predict({"logits": case.model(batch.inputs)}, batch)


def without_labels(case: Case) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "label"} for row in case.rows]


def test_every_task_on_disk_is_tested_in_a_file_of_its_own_and_those_of_one_label_here_too() -> None:
    on_disk = sorted(file.stem for file in Path(tasks.__file__).parent.glob("*.py") if file.stem != "__init__")
    found = {name: kind_of_target(name) for name in on_disk}
    assert sorted(CASES) == [name for name, kind in found.items() if kind == "label"]
    assert [file.stem for file in sorted(Path(__file__).parent.glob("test_tasks_*.py"))] == [f"test_tasks_{name}" for name in on_disk]
    assert [type(case.task).__module__.rpartition(".")[2] for case in CASES.values()] == list(CASES)


def kind_of_target(name: str) -> str:
    """What the one task of a module learns."""
    module = importlib.import_module(f"finetune.tasks.{name}")
    task, = (value for value in vars(module).values() if hasattr(value, "onnx_task"))
    return str(task.roles[task.target])


@every_task
def test_target_is_the_place_of_the_label(case: Case) -> None:
    assert [example["target"] for example in case.task.encode(case.rows, case.processor)] == [0, 1, 2, 0]
    turned = replace(case.task, labels=("so so", "good", "bad"))
    assert [example["target"] for example in turned.encode(case.rows, case.processor)] == [2, 1, 0, 2]


@every_task
def test_model_sees_inputs_and_never_targets(case: Case) -> None:
    batch = batch_of(case, case.rows)
    assert set(batch.targets) == {"target"}
    assert batch.targets["target"].tolist() == [0, 1, 2, 0]
    assert not {"target", "label", "full_length"} & set(batch.inputs)
    assert {len(array) for array in batch.inputs.values()} == {4}
    assert batch.rows == 4


@every_task
@pytest.mark.parametrize("empty", [{}, {"label": None}])
def test_rows_without_label_give_predictions_without_target(case: Case, empty: dict[str, None]) -> None:
    rows = [{**row, **empty} for row in without_labels(case)]
    assert not any("target" in example for example in case.task.encode(rows, case.processor))
    assert batch_of(case, rows).targets == {}
    found = predicted(case, rows)
    assert set(found) == {"probabilities", "prediction"}
    assert (found["prediction"] == predicted(case, case.rows)["prediction"]).all()


@every_task
def test_one_row_without_label_leaves_the_batch_without_targets(case: Case) -> None:
    assert batch_of(case, [*case.rows[:2], {**case.rows[2], "label": None}]).targets == {}


@every_task
def test_neighbours_in_a_batch_never_change_a_prediction(case: Case) -> None:
    together = predicted(case, case.rows)["probabilities"]
    alone = [predicted(case, [row])["probabilities"][0] for row in case.rows]
    turned = predicted(case, case.rows[::-1])["probabilities"][::-1]
    assert np.allclose(together, alone, atol=1e-7)
    assert np.allclose(together, turned, atol=1e-7)


@every_task
def test_probabilities_add_up_and_the_largest_wins(case: Case) -> None:
    logits = np.log([[1.0, 2.0, 1.0], [8.0, 1.0, 1.0]])
    found = case.task.predict({"logits": logits}, batch_of(case, case.rows[:2]))
    assert np.allclose(found["probabilities"], [[0.25, 0.5, 0.25], [0.8, 0.1, 0.1]])
    assert found["prediction"].tolist() == [1, 0]
    assert found["target"].tolist() == [0, 1]


@every_task
def test_loss_is_a_sum_whose_mean_is_cross_entropy(case: Case) -> None:
    batch = batch_of(case, case.rows)
    tensors = replace(batch, targets={"target": torch.as_tensor(batch.targets["target"])})
    probabilities = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.8, 0.1, 0.1], [0.9, 0.05, 0.05]])
    total, count = case.task.loss({"logits": probabilities.log()}, tensors)
    by_hand = -np.log([0.5, 0.5, 0.1, 0.9])
    assert count == case.task.count(tensors) == case.task.count(batch) == 4
    assert float(total) == pytest.approx(by_hand.sum(), rel=1e-6)
    mean = torch.nn.functional.cross_entropy(probabilities.log(), tensors.targets["target"])
    assert float(total) == pytest.approx(float(mean) * count, rel=1e-6)


@every_task
def test_loss_of_parts_adds_up_to_the_loss_of_all(case: Case) -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))

    def loss(rows: slice) -> float:
        batch = batch_of(case, case.rows[rows])
        tensors = replace(batch, targets={"target": torch.as_tensor(batch.targets["target"])})
        return float(case.task.loss({"logits": logits[rows]}, tensors).total)

    assert loss(slice(0, 1)) + loss(slice(1, 4)) == pytest.approx(loss(slice(0, 4)), rel=1e-6)


@every_task
def test_loss_of_bfloat16_logits_is_taken_in_float32(case: Case) -> None:
    batch = batch_of(case, case.rows[:1])
    tensors = replace(batch, targets={"target": torch.as_tensor(batch.targets["target"])})
    total = case.task.loss({"logits": torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.bfloat16)}, tensors).total
    assert total.dtype == torch.float32
    assert float(total) == pytest.approx(2.4076059, abs=1e-6)


@every_task
def test_scores_are_those_worked_out_by_hand(case: Case) -> None:
    columns = {"target": np.array([0, 0, 1, 1, 1]), "prediction": np.array([0, 1, 1, 1, 0])}
    found = case.task.score(columns)
    assert case.task.primary in found
    assert case.task.greater_is_better is True
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["f1_macro"] == pytest.approx((1 / 2 + 2 / 3) / 2)  # of the two labels that occur
    assert found["f1_weighted"] == pytest.approx((2 * 1 / 2 + 3 * 2 / 3) / 5)
    assert found["precision_macro"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert [entry["label"] for entry in found["per_class"]] == list(LABELS)
    assert [entry["support"] for entry in found["per_class"]] == [2, 3, 0]
    assert found["confusion"] == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]


@every_task
def test_same_draw_changes_a_row_alike_and_keeps_the_rest(case: Case) -> None:
    examples = Examples(pa.Table.from_pylist(case.rows), case.task, case.processor)
    first, second = (case.task.augment(examples, Draw(5, 1, 0)) for _ in range(2))
    for name, value in examples[0].items():
        assert np.array_equal(first[name], second[name])
        if name != "pixel_values":
            assert first[name] == value


@every_task
def test_head_names_the_labels_in_their_order(case: Case) -> None:
    head = case.task.head
    assert head.labels == LABELS
    assert head.problem == "single_label_classification"


@every_task
def test_roles_are_of_known_kinds_and_end_with_the_label(case: Case) -> None:
    assert set(case.task.roles.values()) <= {"text", "image", "label"}
    assert list(case.task.roles)[-1] == "label"
    assert set(case.rows[0]) == set(case.task.roles)


@every_task
@pytest.mark.parametrize(("labels", "said"), [
    ("positive", "'positive' found, allowed are auto or a list of labels. Use for example [positive,other]."),
    ((), "no label is given, at least 2 are needed. Name them all (task.labels=bad,good), or use auto."),
    (("a",), "'a' is the only label, at least 2 are needed. Name them all (task.labels=bad,good), or use auto."),
    (("a", "b", "a"), "'a' is in the list more than once. Name every label once."),
])
def test_labels_that_cannot_be_learnt_are_a_problem(case: Case, labels: tuple[str, ...] | str, said: str) -> None:
    assert replace(case.task, labels=labels).problems() == [f"task.labels: {said}"]


@every_task
def test_settings_as_they_come_have_no_problems(case: Case) -> None:
    assert case.task.problems() == []
    assert type(case.task)().problems() == []
    assert type(case.task)().labels == "auto"
    assert {item.name for item in fields(case.task)} >= {"labels"}
