"""Threads and precision are chosen by timing, and timing leaves no trace."""

from __future__ import annotations

import copy
import os
import re
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from finetune.contracts import Batch
from finetune.machine import cores
from finetune.spec import Train
from finetune.tasks.text_classification import TextClassification
from finetune.train.probe import Choice, choose

TASK = TextClassification(labels=("a", "b"))
several = pytest.mark.skipif(cores() < 2, reason="threads are only compared where there are two cores")


class Timed(nn.Module):
    """Two labels from four numbers; a pass takes `seconds` in the settings that are named slow."""

    calls: ClassVar[list[tuple[int, bool]]] = []  # threads and autocast of every pass, over all copies

    def __init__(self, *, slow_threads: int = 0, slow_precision: str = "", seconds: float = 0.01) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
        self.slow_threads, self.slow_precision, self.seconds = slow_threads, slow_precision, seconds

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        autocast = torch.is_autocast_enabled("cpu")
        self.calls.append((torch.get_num_threads(), autocast))
        if torch.get_num_threads() == self.slow_threads or self.slow_precision == ("bf16" if autocast else "fp32"):
            time.sleep(self.seconds)
        return {"logits": self.layers(x)}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    before, allowed = torch.get_num_threads(), os.sched_getaffinity(0)
    Timed.calls.clear()
    yield
    os.sched_setaffinity(0, allowed)
    torch.set_num_threads(before)


def chosen(model: nn.Module, *, device: Any = "cpu", processes: int = 1, **settings: Any) -> Choice:
    random = np.random.default_rng(0)
    batch = Batch({"x": random.normal(size=(6, 4)).astype(np.float32)}, {"target": np.arange(6) % 2}, 6)
    return choose(model, TASK, batch, train=Train(**settings), device=device, processes=processes)


def test_fixed_settings_are_taken_without_probing() -> None:
    found = chosen(Timed(), threads=3, precision="bf16")
    assert found == Choice("bf16", "set by train.precision", 3, "set by train.threads")
    assert Timed.calls == []


def test_on_an_accelerator_threads_are_not_probed() -> None:
    found = chosen(Timed(), device="cuda", precision="fp32")
    assert found == Choice("fp32", "set by train.precision", cores(), "the model runs on an accelerator")
    assert Timed.calls == []


def test_one_thread_where_there_is_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    found = chosen(Timed(), precision="fp32")
    assert found == Choice("fp32", "set by train.precision", 1, "this process has one core")
    assert Timed.calls == []


def test_one_thread_where_processes_share_the_cores() -> None:
    found = chosen(Timed(), precision="fp32", processes=cores())
    assert (found.threads, found.threads_reason) == (1, "this process has one core")


@several
@pytest.mark.parametrize(("slow", "expected"), [(1, cores()), (cores(), 1)])
def test_threads_are_those_of_the_faster_step(slow: int, expected: int) -> None:
    found = chosen(Timed(slow_threads=slow, seconds=0.2), precision="fp32")  # far above what a busy machine adds
    assert found.threads == expected
    many, one = map(int, re.fullmatch(rf"a step takes (\d+) ms on {cores()} threads and (\d+) ms on one", found.threads_reason).groups())  # type: ignore[union-attr]
    assert (one > many) == (expected > 1)
    assert max(one, many) >= 200
    assert {autocast for _, autocast in Timed.calls} == {False}


@pytest.mark.parametrize(("slow", "expected"), [("fp32", "bf16"), ("bf16", "fp32")])
def test_precision_is_that_of_the_faster_step(slow: str, expected: str) -> None:
    found = chosen(Timed(slow_precision=slow, seconds=0.1), threads=1)
    assert (found.precision, found.threads, found.threads_reason) == (expected, 1, "set by train.threads")
    full, half = map(int, re.fullmatch(r"a step takes (\d+) ms in fp32 and (\d+) ms in bf16", found.precision_reason).groups())  # type: ignore[union-attr]
    assert (full > half) == (expected == "bf16")
    assert max(full, half) >= 100
    assert {threads for threads, _ in Timed.calls} == {1}


@several
def test_precision_is_probed_on_the_threads_that_were_chosen() -> None:
    found = chosen(Timed(slow_threads=cores(), seconds=0.1))
    assert found.threads == 1
    assert {threads for threads, autocast in Timed.calls if autocast} == {1}


def test_settings_take_turns() -> None:
    chosen(Timed(), threads=1)
    assert [autocast for _, autocast in Timed.calls] == [False, True] * 4


def test_bf16_must_be_clearly_faster() -> None:
    found = chosen(Timed(slow_threads=1, seconds=0.03), threads=1)  # the same sleep in both
    assert found.precision == "fp32"


@several
def test_model_and_random_state_are_as_before() -> None:
    model = Timed().eval()
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, 0.5)
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    chosen(model)
    assert len(Timed.calls) == 16  # it did run: four rounds of two settings, for threads and for precision
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert before["layers.0.num_batches_tracked"] == 0
    assert all(torch.equal(weight.grad, torch.full_like(weight, 0.5)) for weight in model.parameters() if weight.grad is not None)
    assert all(weight.grad is not None for weight in model.parameters())
    assert not model.training
