"""Parameter groups of AdamW and the learning rate of every step."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from finetune.spec import Train
from finetune.train.optim import optimizer, rate, set_rate

SCHEDULES = ("linear", "cosine", "constant")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3), nn.LayerNorm(3))


def settings(schedule: str, *, warmup: float = 0.1) -> Train:
    return Train(lr=2.0, schedule=schedule, warmup=warmup)  # type: ignore[arg-type]


def test_matrices_are_decayed_and_vectors_are_not() -> None:
    model = network()
    embedding, linear, norm = model
    decayed, spared = optimizer(model, Train(weight_decay=0.25)).param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.25, 0.0)
    assert [id(weight) for weight in decayed["params"]] == [id(embedding.weight), id(linear.weight)]
    assert [id(weight) for weight in spared["params"]] == [id(linear.bias), id(norm.weight), id(norm.bias)]


def test_decay_alone_shrinks_a_matrix_by_rate_times_decay() -> None:
    model = network()
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer(model, Train(lr=0.5, weight_decay=0.2)).step()
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight, before[name] * (0.9 if weight.ndim > 1 else 1.0), rtol=1e-6, atol=0)


def test_frozen_weights_are_in_no_group() -> None:
    model = network()
    model[0].weight.requires_grad = False
    model[1].bias.requires_grad = False
    sizes = [[tuple(weight.shape) for weight in group["params"]] for group in optimizer(model, Train()).param_groups]
    assert sizes == [[(3, 4)], [(3,), (3,)]]


def test_a_model_of_vectors_alone_has_one_group_without_decay() -> None:
    groups = optimizer(nn.LayerNorm(3), Train(weight_decay=0.25)).param_groups
    assert [group["weight_decay"] for group in groups] == [0.0]


def test_rate_of_an_optimizer_is_set_in_every_group() -> None:
    made = optimizer(network(), Train(lr=0.5))
    assert [group["lr"] for group in made.param_groups] == [0.5, 0.5]
    set_rate(made, 0.125)
    assert [group["lr"] for group in made.param_groups] == [0.125, 0.125]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rate_rises_in_equal_steps_to_its_peak(schedule: str) -> None:
    found = [rate(settings(schedule), step, 100) for step in range(11)]
    assert found[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)], rel=1e-12)
    assert found[9:] == [2.0, 2.0]  # the last step of the warm-up and the first after it


@pytest.mark.parametrize(("schedule", "middle", "end"), [
    ("linear", 1.0, 2.0 / 90),
    ("cosine", 1.0, 1.0 + math.cos(math.pi * 89 / 90)),
    ("constant", 2.0, 2.0),
])
def test_rate_after_the_warm_up_follows_the_schedule(schedule: str, middle: float, end: float) -> None:
    assert rate(settings(schedule), 55, 100) == pytest.approx(middle, rel=1e-12)
    assert rate(settings(schedule), 99, 100) == pytest.approx(end, rel=1e-9)


def test_part_of_a_step_of_warm_up_counts_as_one() -> None:
    found = [rate(settings("constant"), step, 25) for step in range(4)]
    assert found == pytest.approx([2 / 3, 4 / 3, 2.0, 2.0], rel=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rate_without_warm_up_begins_at_its_peak(schedule: str) -> None:
    assert rate(settings(schedule, warmup=0.0), 0, 40) == 2.0


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("num_steps", [1, 2, 3, 7, 20, 101])
def test_rate_is_always_above_zero_and_at_most_the_peak(schedule: str, warmup: float, num_steps: int) -> None:
    found = [rate(settings(schedule, warmup=warmup), step, num_steps) for step in range(num_steps)]
    assert 0.0 < min(found) <= max(found) == 2.0


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rate_never_rises_again_once_it_has_peaked(schedule: str) -> None:
    found = [rate(settings(schedule), step, 60) for step in range(5, 60)]
    assert found == sorted(found, reverse=True)
