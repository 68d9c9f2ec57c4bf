"""One optimizer step over the micro-batches of a global batch, on any number of processes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from finetune.errors import TrainingError
from finetune.evaluate.infer import tensors

if TYPE_CHECKING:
    from finetune.contracts import Batch
    from finetune.train.objective import Objective


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """What one process computes in one forward pass; `real` is False where it only keeps in step."""

    batch: Batch
    real: bool


@dataclass(frozen=True, slots=True)
class Fitting:
    """What is being fitted and by what."""

    model: Any  # as prepared by Accelerate
    optimizer: Any
    accelerator: Any
    objective: Objective
    clip: float
    precision: str = "fp32"

    def autocast(self) -> Any:
        """The context of a forward pass; set here and not in Accelerate, whose state cannot be changed in a process."""
        kind = self.accelerator.device.type
        return torch.autocast(kind, dtype=torch.bfloat16) if self.precision == "bf16" else nullcontext()


def train_step(fitting: Fitting, micro_batches: Sequence[MicroBatch]) -> tuple[float, float]:
    """Update the weights once; returns the mean loss over the global batch and the gradient norm.

    The loss of every micro-batch is a sum. It is divided by the count of the whole global batch, known before the
    first backward pass, and multiplied by the number of processes because DDP averages gradients. So the update
    is the same however the batch is cut. A batch in which nothing counts has a loss of 0. Raises TrainingError when the
    loss or its gradient is not finite.
    """
    accelerator, model = fitting.accelerator, fitting.model
    model.train()
    local = sum(fitting.objective.count(micro.batch) for micro in micro_batches if micro.real)
    counted = torch.tensor(local, dtype=torch.float64, device=accelerator.device)
    count = float(accelerator.reduce(counted, reduction="sum")) or 1.0
    total = torch.zeros((), dtype=torch.float64, device=accelerator.device)
    for position, micro in enumerate(micro_batches):
        last = position == len(micro_batches) - 1
        with nullcontext() if last else accelerator.no_sync(model):
            batch = tensors(micro.batch, accelerator.device)
            with fitting.autocast():
                output = model(**batch.inputs)
            loss = fitting.objective.loss(output, batch).total * float(micro.real)
            accelerator.backward(loss * (accelerator.num_processes / count))
        total += loss.detach().double()
    mean = float(accelerator.reduce(total, reduction="sum")) / count
    norm = float(accelerator.clip_grad_norm_(model.parameters(), fitting.clip or float("inf")))
    for name, value in (("loss", mean), ("gradient", norm)):
        if not math.isfinite(value):
            raise TrainingError(
                "train.lr",
                f"the {name} became {value} and training stopped before the weights were touched. "
                "Start a new run with a lower train.lr (a tenth is a good try) or with train.precision=fp32.",
            )
    fitting.optimizer.step()
    fitting.optimizer.zero_grad()
    return mean, norm
