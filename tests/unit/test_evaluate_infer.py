"""How a torch model answers a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from finetune.contracts import Batch, LossSum
from finetune.evaluate.infer import tensors, torch_infer
from finetune.tasks.text_classification import TextClassification

TASK = TextClassification(labels=("a", "b", "c"))
X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
TARGET = np.array([0, 1, 2, 2, 1, 0])


class Watched(nn.Module):
    """Dropout and batch norm before a linear layer; notes how it is called and returns more than tensors."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.norm, self.dropout, self.linear = nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)
        self.seen: dict[str, Any] = {}

    def forward(self, x: torch.Tensor) -> dict[str, Any]:
        logits = self.linear(self.dropout(self.norm(x)))
        self.seen = {"training": self.training, "grad": torch.is_grad_enabled(), "dtype": logits.dtype, "input": x.dtype}
        return {"logits": logits, "hidden": None, "past": (logits,)}


def batch(*, targets: bool = True) -> Batch:
    return Batch({"x": X}, {"target": TARGET} if targets else {}, 6)


def bf16() -> Any:
    return torch.autocast("cpu", dtype=torch.bfloat16)


def test_model_answers_in_evaluation_mode_without_gradients() -> None:
    model = Watched().train()
    torch_infer(model, TASK)(batch())
    assert (model.seen["training"], model.seen["grad"]) == (False, False)
    assert [weight.grad for weight in model.parameters()] == [None] * 4


def test_statistics_and_random_state_stay_as_they_are() -> None:
    model, random = Watched(), torch.get_rng_state()
    torch_infer(model, TASK)(batch())
    assert model.norm.num_batches_tracked == 0
    assert torch.equal(model.norm.running_mean, torch.zeros(4))
    assert torch.equal(torch.get_rng_state(), random)


def test_answers_are_numpy_and_equal_the_model() -> None:
    model = Watched()
    output, _ = torch_infer(model, TASK)(batch())
    assert list(output) == ["logits"]  # what is no tensor is left out
    assert isinstance(output["logits"], np.ndarray)
    expected = (X / np.sqrt(1 + 1e-5)) @ model.linear.weight.detach().numpy().T + model.linear.bias.detach().numpy()
    np.testing.assert_allclose(output["logits"], expected, rtol=1e-5, atol=1e-6)


def test_answers_are_float32_under_bf16_autocast() -> None:
    model = Watched()
    full, _ = torch_infer(model, TASK)(batch())
    assert model.seen["dtype"] == torch.float32
    output, loss = torch_infer(model, TASK, autocast=bf16)(batch())
    assert model.seen["dtype"] == torch.bfloat16
    assert output["logits"].dtype == np.float32
    np.testing.assert_allclose(output["logits"], full["logits"], rtol=0.03, atol=0.03)
    assert loss is not None
    assert loss.total == pytest.approx(negative_log_likelihood(output["logits"]), rel=1e-6)  # computed in float32


def negative_log_likelihood(logits: np.ndarray) -> float:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_shares[np.arange(len(TARGET)), TARGET].sum())


def test_loss_is_the_sum_over_the_rows_where_there_are_targets() -> None:
    output, loss = torch_infer(Watched(), TASK)(batch())
    assert loss == LossSum(pytest.approx(negative_log_likelihood(output["logits"]), rel=1e-6), 6)
    assert type(loss.total) is float


def test_there_is_no_loss_without_targets() -> None:
    assert torch_infer(Watched(), TASK)(batch(targets=False))[1] is None


def test_tensors_hold_the_same_values_and_dtypes() -> None:
    ids = np.array([[1, 2], [3, 0]])
    moved = tensors(Batch({"input_ids": ids, "x": X}, {"target": TARGET}, 2), torch.device("cpu"))
    assert {name: value.dtype for name, value in moved.inputs.items()} == {"input_ids": torch.int64, "x": torch.float32}
    np.testing.assert_array_equal(moved.inputs["input_ids"].numpy(), ids)
    assert moved.targets["target"].tolist() == TARGET.tolist()
    assert moved.rows == 2
