"""What training minimises: the task's own loss, or one that makes up for uneven labels or looks at hard rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from finetune.contracts import LossSum
from finetune.metrics import balance

if TYPE_CHECKING:
    from finetune.contracts import Array, Batch, Task
    from finetune.spec import Train


class Objective(Protocol):
    """A loss and what it is divided by; every task is one, and evaluations always take that one."""

    def count(self, batch: Batch) -> float:
        """What the loss is divided by, known before the backward pass."""

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """The summed loss of a batch of torch tensors."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """Cross-entropy of `output["logits"]` in which labels weigh differently; float32 arrays, one number a label.

    `offsets` are added to the logits; with the logarithm of the labels' shares the model learns what tells labels
    apart and not how frequent they are (Menon et al., Long-tail learning via logit adjustment, ICLR 2021, equation
    10, tau 1). `gamma` multiplies a row's loss by (1 - p)**gamma, p being the probability of its label (Lin et al.,
    Focal Loss, ICCV 2017, equation 5). The count is the sum of the rows' weights, so the loss stays a weighted mean
    however a batch is cut.
    """

    weights: Array
    offsets: Array
    gamma: float = 0.0

    def count(self, batch: Batch) -> float:
        """The sum of the rows' weights."""
        return float(sum((share * self.weights[target]).sum(dtype=np.float64)
                         for target, share in _labels(batch.targets)))

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """The weighed loss, summed over rows; the count is a tensor, since reading it would wait for the device."""
        logits_BC = output["logits"].float()
        offsets_C, weights_C = (torch.from_numpy(values).to(logits_BC.device, non_blocking=True)
                                for values in (self.offsets, self.weights))
        losses, counts = [], []
        for target_B, share_B in _labels(batch.targets):
            losses_B = cross_entropy(logits_BC + offsets_C, target_B, reduction="none")
            if self.gamma:
                losses_B = losses_B * (-torch.expm1(-losses_B)) ** self.gamma
            weights_B = share_B * weights_C[target_B]
            losses.append((weights_B * losses_B).sum())
            counts.append(weights_B.sum())
        return LossSum(sum(losses), sum(counts))


def _labels(targets: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """The rows' targets and what they count; a mixed row has two, `target` and `other`, in their shares."""
    if "share" not in targets:
        return [(targets["target"], 1.0)]
    return [(targets["target"], targets["share"]), (targets["other"], 1 - targets["share"])]


def of(train: Train, task: Task, targets: Array | None) -> Objective:
    """The objective of these settings for training rows with these targets; the task itself where they ask for none."""
    if train.class_weights == "none" and train.loss == "cross_entropy":
        return task
    assert targets is not None, "only single labels can be weighed"
    counts_C = np.bincount(targets, minlength=len(task.head.labels))
    adjusted = train.loss == "logit_adjusted"
    offsets_C = balance.log_shares(counts_C) if adjusted else np.zeros(len(counts_C))
    return Weighed(balance.weights(counts_C, train.class_weights).astype(np.float32), offsets_C.astype(np.float32),
                   gamma=balance.GAMMA if train.loss == "focal" else 0.0)
