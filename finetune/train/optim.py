"""AdamW with decay where it belongs, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import Any

import torch

from finetune.spec import Train


def optimizer(model: torch.nn.Module, train: Train) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, 2019) over the trainable weights; vectors (biases, norms) are not decayed."""
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in trainable if weight.ndim > 1], "weight_decay": train.weight_decay},
        {"params": [weight for weight in trainable if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=train.lr, fused=True)


def rate(train: Train, step: int, num_steps: int) -> float:
    """Learning rate of a step, counted from 0: a linear rise to the peak, then the schedule's decay towards 0."""
    num_warmup = math.ceil(round(train.warmup * num_steps, 6))  # 0.07 of 100 steps are 7, not 8
    if step < num_warmup:
        return train.lr * (step + 1) / num_warmup
    share = (step - num_warmup) / max(1, num_steps - num_warmup)
    decay = {"linear": 1.0 - share, "cosine": 0.5 * (1.0 + math.cos(math.pi * share)), "constant": 1.0}
    return train.lr * decay[train.schedule]


def set_rate(optimizer: Any, lr: float) -> None:
    """Give every parameter group this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr
