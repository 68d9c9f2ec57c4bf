"""How many threads and which precision: decided by timing the model's own step on this machine."""

from __future__ import annotations

import copy
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from finetune.evaluate.infer import tensors
from finetune.machine import cores
from finetune.train.checkpoint import random_state, set_random_state

if TYPE_CHECKING:
    from finetune.contracts import Batch, Task
    from finetune.spec import Train

ROUNDS = 3
THREAD_GAIN = 1.05  # what more threads must bring: they disturb neighbours and other processes
BF16_GAIN = 1.10  # what bf16 must bring: it costs digits


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen and why, for the console and metrics.json."""

    precision: str
    precision_reason: str
    threads: int
    threads_reason: str


def choose(model: torch.nn.Module, task: Task, batch: Batch, *, train: Train, device: Any, processes: int) -> Choice:
    """Time forward and backward passes of `batch` on a copy of the model; weights and random state stay as they are."""
    most = max(1, cores() // processes)
    threads, threads_reason = _fixed_threads(train, most, device)
    precision, precision_reason = train.precision, "set by train.precision"
    open_threads, open_precision = threads is None, train.precision == "auto"
    if not open_threads and not open_precision:
        return Choice(precision, precision_reason, threads or most, threads_reason)
    before, trial = random_state(), copy.deepcopy(model).to(device)
    if open_threads:
        one, many = _times(trial, task, batch, settings=[(1, "fp32"), (most, "fp32")], device=device)
        threads = most if one > THREAD_GAIN * many else 1
        threads_reason = f"a step takes {many:.0f} ms on {most} threads and {one:.0f} ms on one"
    threads = threads or most
    if open_precision:
        full, half = _times(trial, task, batch, settings=[(threads, "fp32"), (threads, "bf16")], device=device)
        precision = "bf16" if full > BF16_GAIN * half else "fp32"
        precision_reason = f"a step takes {full:.0f} ms in fp32 and {half:.0f} ms in bf16"
    set_random_state(before)
    return Choice(precision, precision_reason, threads, threads_reason)


def _fixed_threads(train: Train, most: int, device: Any) -> tuple[int | None, str]:
    if isinstance(train.threads, int):
        return train.threads, "set by train.threads"
    if torch.device(device).type != "cpu":
        return most, "the model runs on an accelerator"
    return (1, "this process has one core") if most == 1 else (None, "")


def _times(
    model: torch.nn.Module, task: Task, batch: Batch, *, settings: list[tuple[int, str]], device: Any
) -> list[float]:
    """Milliseconds of the fastest step in each setting; settings take turns, so that a busy machine hits all alike."""
    found: list[list[float]] = [[] for _ in settings]
    for turn in range(ROUNDS + 1):
        for times, (threads, precision) in zip(found, settings, strict=True):
            torch.set_num_threads(threads)
            milliseconds = _step(model, task, batch, precision=precision, device=device)
            if turn:  # the first turn warms up
                times.append(milliseconds)
    return [min(times) for times in found]


def _step(model: torch.nn.Module, task: Task, batch: Batch, *, precision: str, device: Any) -> float:
    kind = torch.device(device).type
    model.train()
    moved = tensors(batch, device)
    start = time.perf_counter()
    with torch.autocast(kind, dtype=torch.bfloat16) if precision == "bf16" else nullcontext():
        output = model(**moved.inputs)
    task.loss(output, moved).total.backward()
    if kind == "cuda":
        torch.cuda.synchronize()
    model.zero_grad()
    return (time.perf_counter() - start) * 1e3
