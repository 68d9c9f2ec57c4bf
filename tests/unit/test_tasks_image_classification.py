"""What is particular to pictures: pixels and their augmentation."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from finetune.contracts import Draw
from finetune.data.augment import arrays, mix, pictures
from finetune.data.examples import Examples
from finetune.data.pixels import ImageProcessor
from finetune.evaluate.infer import tensors
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


def examples(task: ImageClassification = TASK, count: int = 4) -> Examples:
    rows = [row(20 * place, TASK.labels[place % 2]) for place in range(count)]
    return Examples(pa.Table.from_pylist(rows), task, PROCESSOR)


def test_augmentations_are_applied_in_their_order_each_from_its_own_stream() -> None:
    draw = Draw(3, 0, 1)
    for names in (("shift", "flip"), ("flip", "shift"), ("flip",), ("shift",)):
        made = examples(replace(TASK, augmentations=names))
        expected = made[1]["pixel_values"]
        for name in names:
            expected = arrays.CHANGES[name](expected, draw.stream(name))
        changed = made.task.augment(made, draw)
        assert (changed["pixel_values"] == expected).all()
        assert changed["target"] == 1


def test_no_augmentations_change_nothing() -> None:
    made = examples(replace(TASK, augmentations=()))
    assert (made.task.augment(made, Draw(3, 0, 0))["pixel_values"] == made[0]["pixel_values"]).all()


def test_augmentation_leaves_the_example_itself_alone() -> None:
    made = examples(replace(TASK, augmentations=pictures.NAMES))
    before = made[0]["pixel_values"].copy()
    for seed in range(5):
        made.task.augment(made, Draw(seed, 0, 0))
    assert (made[0]["pixel_values"] == before).all()


@pytest.mark.parametrize("names", [("mixup",), ("cutmix",), ("flip", "cutmix", "mixup")])
def test_mixed_row_is_made_of_two_rows_as_each_is_seen_in_that_epoch(names: tuple[str, ...]) -> None:
    made = examples(replace(TASK, augmentations=names), count=6)
    plain = examples(replace(TASK, augmentations=names[:-1] if len(names) > 1 else ()), count=6)
    for epoch in range(20):
        found = made.augmented(1, seed=3, epoch=epoch)
        random = Draw(3, epoch, 1).stream("mix")
        how = [name for name in names if name != "flip"][random.integers(1 + (len(names) > 2))]
        partner = int(random.integers(6))
        flips = replace(TASK, augmentations=tuple(name for name in names if name == "flip"))
        ours, theirs = (flips.augment(plain, Draw(3, epoch, place)) for place in (1, partner))
        pixels, share = mix.CHANGES[how](ours["pixel_values"], theirs["pixel_values"], random)
        assert (found["pixel_values"] == pixels).all()
        assert (found["target"], found["other"]) == (1, partner % 2)
        assert found["share"] == np.float32(share)


def test_rows_are_mixed_up_to_the_epoch_that_was_set() -> None:
    made = examples(replace(TASK, augmentations=("flip", "mixup"), mix_until=2))
    assert ["share" in made.augmented(0, seed=1, epoch=epoch) for epoch in range(4)] == [True, True, False, False]


def test_loss_of_mixed_rows_is_that_of_both_labels_in_their_shares() -> None:
    made = examples(replace(TASK, augmentations=("mixup",)))
    batch = TASK.collate([made.augmented(place, seed=1, epoch=0) for place in range(4)], PROCESSOR)
    assert {name: array.dtype.kind for name, array in batch.targets.items()} == {"target": "i", "other": "i", "share": "f"}
    logits = np.log([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1], [0.2, 0.8]])
    total, count = TASK.loss({"logits": torch.from_numpy(logits)}, tensors(batch))
    share, rows = batch.targets["share"], np.arange(4)
    by_hand = share * -logits[rows, batch.targets["target"]] + (1 - share) * -logits[rows, batch.targets["other"]]
    assert count == TASK.count(batch) == 4
    assert float(total) == pytest.approx(by_hand.sum(), rel=1e-6)


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
    made = examples(replace(smallest, augmentations=pictures.NAMES))
    assert made.augmented(0, seed=0, epoch=0)["pixel_values"].shape == (3, 8, 8)


def test_every_unknown_augmentation_is_a_problem_once() -> None:
    allowed = f"Allowed: {', '.join(pictures.NAMES)}, or none."
    assert replace(TASK, augmentations=("flp", "shift", "spin", "spin")).problems() == [
        f"task.augmentations: there is no augmentation 'flp'. {allowed} Did you mean 'flip'?",
        f"task.augmentations: there is no augmentation 'spin'. {allowed}"]


def test_all_problems_come_at_once() -> None:
    found = replace(TASK, labels=("a",), image_size=4, augmentations=("spin",)).problems()
    assert [problem.partition(":")[0] for problem in found] == ["task.labels", "task.image_size", "task.augmentations"]


def test_change_that_is_named_twice_is_a_problem() -> None:
    assert replace(TASK, augmentations=("flip", "crop", "flip")).problems() == [
        "task.augmentations: 'flip' is in the list more than once. Name every change once."]


def test_end_of_mixing_without_mixing_is_a_problem() -> None:
    assert replace(TASK, mix_until=5).problems() == [
        "task.mix_until: 5 found, but no pictures are mixed. Add mixup or cutmix to task.augmentations, or leave it out."]
    assert replace(TASK, mix_until=0, augmentations=("mixup",)).problems()[0].startswith("task.mix_until: 0 found, at least 1 ")
    assert replace(TASK, mix_until=1, augmentations=("mixup", "cutmix")).problems() == []
