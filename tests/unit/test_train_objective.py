"""What training minimises under every setting, against losses worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from finetune.contracts import Batch
from finetune.evaluate.infer import tensors
from finetune.spec import Train
from finetune.tasks.text_classification import TextClassification
from finetune.train import objective
from finetune.train.objective import Weighed

TASK = TextClassification(labels=("a", "b", "c"))
TARGETS = np.repeat([0, 1, 2], [60, 30, 10])  # of the training rows
BATCH = Batch({}, {"target": np.array([0, 0, 1, 2])}, 4)
LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [1.0, 3.0, 0.0], [0.0, 1.0, 2.0]])
ROW_LOSSES = cross_entropy(LOGITS, torch.tensor([0, 0, 1, 2]), reduction="none")
WEIGHTS = torch.tensor([100 / 180, 100 / 180, 100 / 90, 100 / 30])  # balanced, of the rows of the batch


def loss(train: Train, *, logits: torch.Tensor = LOGITS) -> tuple[float, float]:
    total, count = objective.of(train, TASK, TARGETS).loss({"logits": logits}, tensors(BATCH))
    return float(total), float(count)


@pytest.mark.parametrize("train", [Train(), Train(sampler="balanced")])
def test_task_is_its_own_objective_where_no_other_loss_is_asked_for(train: Train) -> None:
    assert objective.of(train, TASK, TARGETS) is TASK


def test_class_weights_weigh_the_rows_and_are_what_the_loss_is_divided_by() -> None:
    total, count = loss(Train(class_weights="balanced"))
    assert total == pytest.approx(float((WEIGHTS * ROW_LOSSES).sum()), rel=1e-6)
    assert count == pytest.approx(float(WEIGHTS.sum()), rel=1e-6)
    theirs = cross_entropy(LOGITS, torch.tensor([0, 0, 1, 2]), weight=torch.tensor([100 / 180, 100 / 90, 100 / 30]))
    assert total / count == pytest.approx(float(theirs), rel=1e-6)


@pytest.mark.parametrize("train", [Train(class_weights="balanced"), Train(class_weights="effective"), Train(loss="focal"),
                                   Train(loss="logit_adjusted"), Train(class_weights="balanced", loss="focal")])
def test_count_is_known_before_the_loss(train: Train) -> None:
    goal = objective.of(train, TASK, TARGETS)
    assert goal.count(BATCH) == pytest.approx(loss(train)[1], rel=1e-6)
    if train.class_weights == "none":
        assert goal.count(BATCH) == 4


def test_focal_loss_looks_less_at_rows_that_are_easy() -> None:
    probabilities = torch.exp(-ROW_LOSSES)
    assert loss(Train(loss="focal"))[0] == pytest.approx(float(((1 - probabilities) ** 2 * ROW_LOSSES).sum()), rel=1e-5)


def test_focal_loss_goes_with_class_weights() -> None:
    probabilities = torch.exp(-ROW_LOSSES)
    expected = float((WEIGHTS * (1 - probabilities) ** 2 * ROW_LOSSES).sum())
    assert loss(Train(loss="focal", class_weights="balanced"))[0] == pytest.approx(expected, rel=1e-5)


def test_focal_loss_with_gamma_0_is_cross_entropy() -> None:
    plain = Weighed(np.ones(3, dtype=np.float32), np.zeros(3, dtype=np.float32))
    total, count = plain.loss({"logits": LOGITS}, tensors(BATCH))
    assert (float(total), float(count)) == (pytest.approx(float(TASK.loss({"logits": LOGITS}, tensors(BATCH)).total)), 4)


def test_focal_loss_of_a_certain_row_has_a_gradient() -> None:
    logits = torch.tensor([[1e4, 0.0, 0.0]] * 4, requires_grad=True)
    objective.of(Train(loss="focal"), TASK, TARGETS).loss({"logits": logits}, tensors(BATCH)).total.backward()
    assert logits.grad is not None and bool(torch.isfinite(logits.grad).all())


def test_logit_adjusted_loss_adds_the_logarithm_of_the_shares() -> None:
    adjusted = LOGITS + torch.log(torch.tensor([0.6, 0.3, 0.1]))
    expected = cross_entropy(adjusted, torch.tensor([0, 0, 1, 2]), reduction="sum")
    assert loss(Train(loss="logit_adjusted"))[0] == pytest.approx(float(expected), rel=1e-6)


def test_model_that_knows_only_the_shares_has_nothing_to_learn_from_them_when_adjusted() -> None:
    """The best constant answer is the shares themselves; adjusted logits give it with logits of zero."""
    logits = torch.zeros(100, 3, requires_grad=True)
    rows = Batch({}, {"target": TARGETS}, 100)
    objective.of(Train(loss="logit_adjusted"), TASK, TARGETS).loss({"logits": logits}, tensors(rows)).total.backward()
    assert logits.grad is not None
    assert logits.grad.sum(dim=0).tolist() == pytest.approx([0, 0, 0], abs=1e-4)


@pytest.mark.parametrize("train", [Train(class_weights="balanced", loss="focal"), Train(loss="logit_adjusted")])
def test_parts_of_a_batch_add_up(train: Train) -> None:
    goal = objective.of(train, TASK, TARGETS)
    parts = [Batch({}, {"target": BATCH.targets["target"][rows]}, len(rows)) for rows in ([0], [1, 2, 3])]
    sums = [goal.loss({"logits": LOGITS[rows]}, tensors(part)) for rows, part in zip(([0], [1, 2, 3]), parts, strict=True)]
    whole = goal.loss({"logits": LOGITS}, tensors(BATCH))
    assert float(sum(part.total for part in sums)) == pytest.approx(float(whole.total), rel=1e-6)
    assert sum(goal.count(part) for part in parts) == pytest.approx(goal.count(BATCH), rel=1e-12)


def test_loss_of_bfloat16_logits_is_taken_in_float32() -> None:
    train = Train(class_weights="balanced")
    total = objective.of(train, TASK, TARGETS).loss({"logits": LOGITS.bfloat16()}, tensors(BATCH)).total
    assert total.dtype == torch.float32


@pytest.mark.parametrize("train", [Train(class_weights="balanced", loss="focal"), Train(loss="logit_adjusted")])
def test_mixed_row_is_two_rows_in_their_shares(train: Train) -> None:
    goal = objective.of(train, TASK, TARGETS)
    share = np.array([0.75], dtype=np.float32)
    mixed = Batch({}, {"target": np.array([0]), "other": np.array([2]), "share": share}, 1)
    own, other = (Batch({}, {"target": np.array([target])}, 1) for target in (0, 2))
    losses = {name: float(goal.loss({"logits": LOGITS[:1]}, tensors(batch)).total)
              for name, batch in (("mixed", mixed), ("own", own), ("other", other))}
    assert losses["mixed"] == pytest.approx(0.75 * losses["own"] + 0.25 * losses["other"], rel=1e-6)
    assert goal.count(mixed) == pytest.approx(0.75 * goal.count(own) + 0.25 * goal.count(other), rel=1e-6)
    assert float(goal.loss({"logits": LOGITS[:1]}, tensors(mixed)).count) == pytest.approx(goal.count(mixed), rel=1e-6)
