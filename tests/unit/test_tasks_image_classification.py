"""What is particular to pictures: pixels and their augmentation."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from finetune.data import augment
from finetune.data.pixels import ImageProcessor
from finetune.tasks.image_classification import ImageClassification

TASK = ImageClassification(labels=("bad", "good"))
PROCESSOR = ImageProcessor(size=8, mean=(0.0,) * 3, std=(1.0,) * 3)


def row(value: int, label: str | None = None) -> dict[str, object]:
    opened = io.BytesIO()
    picture = np.arange(192, dtype=np.uint8).reshape(8, 8, 3) // 2 + np.uint8(value)
    Image.fromarray(picture).save(opened, format="PNG")
    return {"image": opened.getvalue(), "label": label}


def test_pixels_are_stacked_channels_first() -> None:
    batch = TASK.collate(TASK.encode([row(0), row(60)], PROCESSOR), PROCESSOR)
    assert batch.inputs["pixel_values"].shape == (2, 3, 8, 8)
    assert batch.inputs["pixel_values"].dtype == np.float32
    assert batch.inputs["pixel_values"][:, 0, 0, 0].tolist() == pytest.approx([0, 60 / 255])


def test_all_pictures_cost_the_same() -> None:
    assert [TASK.length(example) for example in TASK.encode([row(0), row(9)], PROCESSOR)] == [1, 1]


def test_augmentations_are_applied_in_their_order() -> None:
    (example,) = TASK.encode([row(0, "good")], PROCESSOR)
    for names in (("shift", "flip"), ("flip", "shift"), ("flip",), ("shift",)):
        random, expected = np.random.default_rng(3), example["pixel_values"]
        for name in names:
            expected = augment.CHANGES[name](expected, random)
        changed = replace(TASK, augmentations=names).augment(example, np.random.default_rng(3))
        assert (changed["pixel_values"] == expected).all()
        assert changed["target"] == 1


def test_no_augmentations_change_nothing() -> None:
    (example,) = TASK.encode([row(0)], PROCESSOR)
    changed = replace(TASK, augmentations=()).augment(example, np.random.default_rng(3))
    assert (changed["pixel_values"] == example["pixel_values"]).all()


def test_augmentation_leaves_the_example_itself_alone() -> None:
    (example,) = TASK.encode([row(0)], PROCESSOR)
    before = example["pixel_values"].copy()
    for seed in range(5):
        TASK.augment(example, np.random.default_rng(seed))
    assert (example["pixel_values"] == before).all()


def test_head_carries_the_size_where_the_task_fixes_it() -> None:
    assert (TASK.head.auto, TASK.head.size) == ("AutoModelForImageClassification", None)
    assert replace(TASK, image_size=64).head.size == 64
    assert (TASK.onnx_task, TASK.primary) == ("image-classification", "accuracy")


@pytest.mark.parametrize("size", [7, 1, 0, -8])
def test_picture_too_small_to_move_is_a_problem(size: int) -> None:
    assert replace(TASK, image_size=size).problems() == [
        f"task.image_size: {size} found, at least 8 pixels are needed. Use 224."]


def test_smallest_picture_can_be_augmented() -> None:
    smallest = replace(TASK, image_size=8)
    assert smallest.problems() == []
    (example,) = smallest.encode([row(0)], PROCESSOR)
    assert smallest.augment(example, np.random.default_rng(0))["pixel_values"].shape == (3, 8, 8)


def test_every_unknown_augmentation_is_a_problem_once() -> None:
    allowed = f"Allowed: {', '.join(augment.CHANGES)}, or none."
    assert replace(TASK, augmentations=("flp", "shift", "spin", "spin")).problems() == [
        f"task.augmentations: there is no augmentation 'flp'. {allowed} Did you mean 'flip'?",
        f"task.augmentations: there is no augmentation 'spin'. {allowed}"]


def test_all_problems_come_at_once() -> None:
    found = replace(TASK, labels=("a",), image_size=4, augmentations=("spin",)).problems()
    assert [problem.partition(":")[0] for problem in found] == ["task.labels", "task.image_size", "task.augmentations"]
