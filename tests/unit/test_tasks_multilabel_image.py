"""What is particular to pictures with several labels; the rest is told with the texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from finetune.contracts import Draw
from finetune.data.examples import Examples
from tests.unit.test_tasks_multilabel_text import CASES

TASK, MADE, ROWS = CASES["image"]


def test_a_change_keeps_the_target_and_repeats_for_the_same_draw() -> None:
    examples = Examples(pa.Table.from_pylist(ROWS), TASK, MADE)
    first, second = (TASK.augment(examples, Draw(5, 1, 2)) for _ in range(2))
    assert np.array_equal(first["pixel_values"], second["pixel_values"])
    assert first["target"].tolist() == [1, 0, 1]


def test_mixed_pictures_are_refused() -> None:
    assert replace(TASK, augmentations=("shift", "mixup", "cutmix")).problems() == [
        "task.augmentations: mixup and cutmix mix pictures that have one label each. Leave them out."]


def test_pictures_that_are_too_small_are_refused() -> None:
    assert replace(TASK, image_size=4).problems() == ["task.image_size: 4 found, at least 8 pixels are needed. Use 224."]


def test_head_names_the_labels_and_the_size() -> None:
    head = replace(TASK, image_size=64).head
    assert (head.auto, head.problem, head.size) == ("AutoModelForImageClassification", "multi_label_classification", 64)
