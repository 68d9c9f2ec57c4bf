"""One update: the same however the batch is cut, none at all where the loss is not a number."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.functional import cross_entropy

from finetune.contracts import Batch, LossSum
from finetune.errors import TrainingError
from finetune.spec import Train
from finetune.tasks.text_classification import TextClassification
from finetune.train import objective
from finetune.train.step import Fitting, MicroBatch, train_step

ROWS = 7


class Linear(nn.Module):
    """Three numbers to three logits."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layer = nn.Linear(3, 3)
        self.autocast = False

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        self.autocast = torch.is_autocast_enabled("cpu")
        return {"logits": self.layer(x)}


class Steep(Linear):
    """A loss that is finite where its gradient is not: the root of 0."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.layer(x) + (self.layer.bias * 0).abs().sqrt()}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fitting(model: nn.Module, *, clip: float = 0.0, precision: str = "fp32", task: Any = None) -> Fitting:
    """Plain gradient descent at rate 1, so that the update is the gradient."""
    accelerator = Accelerator(cpu=True)
    prepared, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=1.0))
    return Fitting(prepared, optimizer, accelerator, task or TextClassification(labels=("a", "b", "c")), clip, precision)


def rows(start: int, stop: int, *, scale: float = 1.0) -> Batch:
    random = np.random.default_rng(0)
    x, target = random.normal(size=(ROWS, 3)).astype(np.float32), np.arange(ROWS) % 3
    return Batch({"x": scale * x[start:stop]}, {"target": target[start:stop]}, stop - start)


def cut(*sizes: int, scale: float = 1.0) -> list[MicroBatch]:
    """The seven rows in micro-batches of these sizes."""
    ends = np.cumsum(sizes).tolist()
    return [MicroBatch(rows(end - size, end, scale=scale), real=True) for size, end in zip(sizes, ends, strict=True)]


def stepped(micro_batches: Sequence[MicroBatch], **options: Any) -> tuple[torch.Tensor, float, float]:
    """The update of the weights as one vector, the loss and the gradient norm."""
    model = Linear()
    before = copy.deepcopy(model.state_dict())
    loss, norm = train_step(fitting(model, **options), micro_batches)
    update = torch.cat([(before[name] - value).flatten() for name, value in model.state_dict().items()])
    return update, loss, norm


def gradient_by_hand() -> tuple[torch.Tensor, float]:
    """Gradient and value of the mean cross-entropy over the seven rows."""
    model, batch = Linear(), rows(0, ROWS)
    loss = cross_entropy(model(torch.from_numpy(batch.inputs["x"]))["logits"], torch.from_numpy(batch.targets["target"]))
    loss.backward()
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]), loss.item()


@pytest.mark.parametrize("sizes", [(7,), (4, 3), (1, 6), (4, 2, 1), (1,) * 7])
def test_update_is_the_gradient_of_the_mean_however_the_batch_is_cut(sizes: tuple[int, ...]) -> None:
    expected, mean = gradient_by_hand()
    update, loss, norm = stepped(cut(*sizes))
    torch.testing.assert_close(update, expected, rtol=1e-5, atol=1e-7)
    assert loss == pytest.approx(mean, rel=1e-6)
    assert norm == pytest.approx(float(expected.norm()), rel=1e-5)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_micro_batch_that_is_not_real_changes_nothing(position: int) -> None:
    expected = stepped(cut(4, 3))
    parts = cut(4, 3)
    parts.insert(position, MicroBatch(rows(2, 6), real=False))
    update, loss, norm = stepped(parts)
    torch.testing.assert_close(update, expected[0], rtol=1e-6, atol=1e-8)
    assert loss == pytest.approx(expected[1], rel=1e-12)
    assert norm == pytest.approx(expected[2], rel=1e-6)


class Nothing(TextClassification):
    """Counts no row, as of questions whose answers are nowhere to be seen."""

    __slots__ = ()

    def count(self, batch: Batch) -> int:
        return 0

    def loss(self, output: Any, batch: Batch) -> LossSum:
        return LossSum(0.0 * output["logits"].sum(), 0)


def test_batch_in_which_nothing_counts_changes_nothing() -> None:
    update, loss, norm = stepped(cut(4, 3), task=Nothing(labels=("a", "b", "c")))
    assert (loss, norm, float(update.abs().sum())) == (0.0, 0.0, 0.0)


class PerToken(TextClassification):
    """Counts three items per row, as a tagger would."""

    __slots__ = ()

    def count(self, batch: Batch) -> int:
        return 3 * batch.rows


def test_loss_is_divided_by_what_the_task_counts() -> None:
    expected, mean = gradient_by_hand()
    update, loss, _ = stepped(cut(4, 3), task=PerToken(labels=("a", "b", "c")))
    assert loss == pytest.approx(mean / 3, rel=1e-6)
    torch.testing.assert_close(update, expected / 3, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("settings", [Train(class_weights="balanced"), Train(class_weights="effective", loss="focal"),
                                      Train(loss="logit_adjusted")])
def test_uneven_labels_give_the_same_update_however_the_batch_is_cut(settings: Train) -> None:
    goal = objective.of(settings, TextClassification(labels=("a", "b", "c")), np.repeat([0, 1, 2], [50, 9, 1]))
    whole, mean, _ = stepped(cut(7), task=goal)
    for sizes in ((1,) * 7, (4, 3), (2, 2, 2, 1)):
        update, loss, _ = stepped(cut(*sizes), task=goal)
        torch.testing.assert_close(update, whole, rtol=1e-5, atol=1e-7)
        assert loss == pytest.approx(mean, rel=1e-6)
    assert not torch.allclose(whole, stepped(cut(7))[0], rtol=1e-2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("sizes", [(7,), (4, 3)])
def test_loss_that_is_not_finite_stops_before_the_weights_are_touched(bad: float, sizes: tuple[int, ...]) -> None:
    model = Linear()
    before = copy.deepcopy(model.state_dict())
    micro_batches = cut(*sizes)
    micro_batches[-1].batch.inputs["x"][0, 1] = bad
    with pytest.raises(TrainingError, match="train.lr: the loss became nan .* lower train.lr"):
        train_step(fitting(model), micro_batches)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_gradient_that_is_not_finite_stops_before_the_weights_are_touched(clip: float) -> None:
    model = Steep()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(TrainingError, match="train.lr: the gradient became nan"):
        train_step(fitting(model, clip=clip), cut(4, 3))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_clip_bounds_the_update_and_keeps_its_direction() -> None:
    free, _, norm = stepped(cut(4, 3, scale=50.0))
    update, _, reported = stepped(cut(4, 3, scale=50.0), clip=0.25)
    assert float(update.norm()) == pytest.approx(0.25, rel=1e-4)
    torch.testing.assert_close(update / update.norm(), free / free.norm(), rtol=1e-3, atol=1e-4)
    assert reported == pytest.approx(norm)  # the norm is told as it was before it was cut
    assert norm > 10


def test_clip_leaves_a_short_gradient_alone() -> None:
    torch.testing.assert_close(stepped(cut(4, 3), clip=100.0)[0], stepped(cut(4, 3))[0], rtol=0, atol=0)


def test_clip_of_zero_never_clips() -> None:
    update, _, norm = stepped(cut(4, 3, scale=1000.0), clip=0.0)
    assert float(update.norm()) == pytest.approx(norm, rel=1e-4)
    assert norm > 100


def test_gradients_are_cleared_for_the_next_step() -> None:
    model = Linear()
    train_step(fitting(model), cut(4, 3))
    assert [weight.grad for weight in model.parameters()] == [None, None]


def test_model_is_in_training_mode_during_the_step() -> None:
    model = Linear().eval()
    train_step(fitting(model), cut(7))
    assert model.training


@pytest.mark.parametrize(("precision", "expected"), [("fp32", False), ("bf16", True)])
def test_precision_decides_about_autocast(precision: str, expected: bool) -> None:
    model = Linear()
    loss, _ = train_step(fitting(model, precision=precision), cut(4, 3))
    assert model.autocast is expected
    assert loss == pytest.approx(gradient_by_hand()[1], rel=2e-2 if expected else 1e-6)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
