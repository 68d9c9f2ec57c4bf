"""The micro-batches of an epoch, whole and from the middle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.data import order
from finetune.data.examples import Examples
from finetune.data.pixels import ImageProcessor
from finetune.machine import cores
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification
from finetune.train.feed import Feed
from finetune.train.step import MicroBatch
from tests.parity import setting

ROWS, BATCH, STEPS = 23, 6, 4


@pytest.fixture(scope="module")
def pictures() -> Examples:
    task = ImageClassification(labels=("left", "right"), augmentations=("shift", "flip"))
    return Examples(setting.image_rows(ROWS), task, ImageProcessor(size=8, mean=(0.5,) * 3, std=(0.5,) * 3))


def feed(examples: Examples, *, micro_batch: int = 4, process: int = 0, processes: int = 1, seed: int = 7) -> Feed:
    return Feed(examples, np.arange(ROWS) % 5, BATCH, micro_batch, seed, process, processes)


def pixels(steps: list[list[MicroBatch]]) -> list[np.ndarray]:
    return [micro.batch.inputs["pixel_values"] for step in steps for micro in step]


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return len(ours) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def counted(steps: list[list[MicroBatch]]) -> list[list[int]]:
    return [[micro.batch.rows for micro in step] for step in steps]


def test_epoch_shows_every_row_once_in_micro_batches(pictures: Examples) -> None:
    steps = list(feed(pictures).epoch(0))
    assert counted(steps) == [[3, 3], [3, 3], [3, 3], [3, 2]]
    assert all(micro.real for step in steps for micro in step)
    targets = np.concatenate([micro.batch.targets["target"] for step in steps for micro in step])
    assert np.bincount(targets).tolist() == [11, 12]


def test_rows_come_in_the_order_of_the_epoch_and_augmented_by_it(pictures: Examples) -> None:
    for epoch in (0, 3):
        expected = [pictures.augmented(int(row), seed=7, epoch=epoch)["pixel_values"]
                    for batch in order.batches(np.arange(ROWS) % 5, batch=BATCH, seed=7, epoch=epoch) for row in batch]
        found = np.concatenate(pixels(list(feed(pictures).epoch(epoch))))
        np.testing.assert_array_equal(found, np.stack(expected))


def test_labels_come_equally_often_where_they_are_drawn_evenly(pictures: Examples) -> None:
    rare = np.array([1] * 3 + [0] * (ROWS - 3))
    even = replace(feed(pictures), even=rare)
    steps = list(even.epoch(0))
    assert counted(steps) == counted(list(feed(pictures).epoch(0)))
    drawn = np.concatenate(order.batches(np.arange(ROWS) % 5, batch=BATCH, seed=7, epoch=0, even=rare))
    assert sorted(np.bincount(rare[drawn]).tolist()) == [11, 12]
    seen = np.concatenate([micro.batch.targets["target"] for step in steps for micro in step])
    np.testing.assert_array_equal(seen, pictures.targets()[drawn])
    assert same(pixels(list(even.epoch(0, skip=2))), pixels(steps[2:]))


@pytest.mark.parametrize("skip", range(STEPS + 1))
def test_skip_gives_the_rest_of_the_same_epoch(skip: int, pictures: Examples) -> None:
    whole = list(feed(pictures).epoch(2))
    rest = list(feed(pictures).epoch(2, skip=skip))
    assert len(rest) == STEPS - skip
    assert counted(rest) == counted(whole[skip:])
    assert same(pixels(rest), pixels(whole[skip:]))  # augmentation included


def test_epoch_is_the_same_when_it_is_asked_for_again(pictures: Examples) -> None:
    made = feed(pictures)
    first = pixels(list(made.epoch(1)))
    list(made.epoch(0))
    assert same(pixels(list(made.epoch(1))), first)


@pytest.mark.parametrize(("seed", "epoch"), [(7, 1), (8, 0)])
def test_another_epoch_or_seed_is_another_order_and_augmentation(seed: int, epoch: int, pictures: Examples) -> None:
    first, other = pixels(list(feed(pictures).epoch(0))), pixels(list(feed(pictures, seed=seed).epoch(epoch)))
    assert [part.shape for part in other] == [part.shape for part in first]
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_processes_share_out_what_one_would_see(pictures: Examples) -> None:
    alone = list(feed(pictures, micro_batch=6).epoch(0))
    both = [list(feed(pictures, micro_batch=3, process=process, processes=2).epoch(0)) for process in (0, 1)]
    for step, mine, theirs in zip(alone, *both, strict=True):
        np.testing.assert_array_equal(np.concatenate(pixels([mine]) + pixels([theirs])), np.concatenate(pixels([step])))


def test_process_without_rows_of_its_own_gets_a_row_that_is_not_real(pictures: Examples) -> None:
    shares = [list(feed(pictures, micro_batch=1, process=process, processes=4).epoch(0)) for process in range(4)]
    last = [[(micro.batch.rows, micro.real) for micro in steps[-1]] for steps in shares]
    assert last == [[(1, True), (1, True)], [(1, True), (1, False)], [(1, True), (1, False)], [(1, True), (1, False)]]


def test_torch_draws_no_random_number_for_the_feed(pictures: Examples) -> None:
    before = torch.get_rng_state()
    list(feed(pictures).epoch(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_texts_are_loaded_in_the_process_itself() -> None:
    table = setting.text_rows(ROWS)
    assert feed(Examples(table, TextClassification(labels=("negative", "positive")), None)).workers == 0


@pytest.mark.parametrize("processes", [1, 2, 1000])
def test_pictures_get_the_cores_that_are_to_spare(processes: int, pictures: Examples) -> None:
    assert feed(pictures, processes=processes).workers == min(8, max(0, cores() // processes - 2))
