"""The exported fp32 model of every recipe answers as PyTorch does, whatever the shape of the batch."""

from __future__ import annotations

import numpy as np
import pytest

from finetune import saved
from finetune.backbones import resolve
from finetune.contracts import Batch
from finetune.evaluate.infer import torch_infer
from finetune.export.generate import ENCODER, open_model
from tests.conftest import Finished
from tests.parity import made_up

TOLERANCE = 1e-4
pytestmark = pytest.mark.slow


def test_fp32_answers_as_pytorch_does_for_every_batch_and_length(finished: Finished) -> None:
    _, run, _ = finished
    task, processor, family = saved.read(run / "model")
    model = resolve.reload(run / "model", family, task.head)
    file = run / "onnx" / (ENCODER if task.head.decoding else "model.onnx")
    infer, session = torch_infer(model, task), open_model(file, task, processor, threads=1)
    shapes = made_up.shapes(task, processor)
    assert {batch for batch, _ in shapes} == {1, 3, 7, 32}
    for batch, length in shapes:
        given = made_up.inputs(model, processor, batch=batch, length=length)
        expected, found = infer(Batch(given, {}, batch))[0], session(given)
        assert found.keys() <= expected.keys()
        for name, values in found.items():
            assert float(np.abs(values - expected[name]).max()) <= TOLERANCE
            assert (values.argmax(axis=-1) == expected[name].argmax(axis=-1)).all()
