"""A picture's number: pixels in, a number in the unit of the rows out."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from finetune.contracts import Draw
from finetune.data.examples import Examples
from finetune.data.pixels import ImageProcessor
from finetune.tasks.image_regression import ImageRegression

PROCESSOR = ImageProcessor(size=8, mean=(0.5,) * 3, std=(0.5,) * 3)
TASK = ImageRegression(mean=10.0, spread=4.0)


def png(value: int) -> bytes:
    opened = io.BytesIO()
    Image.fromarray(np.full((9, 9, 3), value, np.uint8)).save(opened, format="PNG")
    return opened.getvalue()


ROWS = [{"image": png(40 * i), "label": float(6 + 4 * i)} for i in range(3)]


def test_loss_and_prediction_agree_on_the_unit() -> None:
    batch = TASK.collate(TASK.encode(ROWS, PROCESSOR), PROCESSOR)
    tensors = replace(batch, targets={"target": torch.as_tensor(batch.targets["target"])})
    outputs = np.array([[-1.0], [0.5], [1.0]], np.float32)
    assert TASK.predict({"logits": outputs}, batch)["prediction"].tolist() == [6.0, 12.0, 14.0]
    assert float(TASK.loss({"logits": torch.as_tensor(outputs)}, tensors).total) == pytest.approx(0.25)


def test_same_draw_changes_a_picture_alike_and_keeps_its_number() -> None:
    examples = Examples(pa.Table.from_pylist(ROWS), TASK, PROCESSOR)
    one, other = (TASK.augment(examples, Draw(1, 2, 1)) for _ in range(2))
    assert np.array_equal(one["pixel_values"], other["pixel_values"])
    assert one["target"] == 10.0


def test_mixing_of_labels_is_refused() -> None:
    found = ImageRegression(augmentations=("shift", "mixup")).problems()
    assert found == ["task.augmentations: mixup mix labels, and this task learns a number. Leave it out."]


def test_baseline_is_the_mean() -> None:
    assert TASK.baselines(ROWS, ROWS[:2], seed=0)["mean"]["prediction"].tolist() == [10.0, 10.0]
    assert list(TASK.baselines(ROWS, ROWS, seed=0)) == ["mean"]
