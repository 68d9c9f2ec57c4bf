"""All changes to a picture together: each draws from its own stream, and what is asked for happens."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from finetune.contracts import Draw
from finetune.data.augment import mix, pictures
from finetune.data.augment.pictures import changed
from finetune.data.pixels import ImageProcessor

PROCESSOR = ImageProcessor(size=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
SINGLE = [name for name in pictures.NAMES if name not in mix.CHANGES]


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    levels = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return PROCESSOR.pixels(Image.fromarray(levels.repeat(8, axis=0).repeat(8, axis=1)))


def test_every_change_has_a_name_of_its_own() -> None:
    assert len(set(pictures.NAMES)) == len(pictures.NAMES) == 13


@pytest.mark.parametrize("name", SINGLE)
def test_change_keeps_shape_and_dtype_and_differs_between_epochs(name: str, pixels: np.ndarray) -> None:
    found = [changed(pixels, [name], Draw(1, epoch, 0), processor=PROCESSOR) for epoch in range(12)]
    assert {(array.shape, array.dtype.name, array.flags["C_CONTIGUOUS"]) for array in found} == {((3, 32, 32), "float32", True)}
    assert len({array.tobytes() for array in found}) > 1
    assert any(not np.array_equal(array, pixels) for array in found)


@pytest.mark.parametrize("other", ["seed", "epoch", "row"])
def test_seed_epoch_and_row_each_have_a_say(other: str) -> None:
    place = {"seed": 1, "epoch": 2, "row": 3}
    ours, theirs = Draw(**place).stream("flip"), Draw(**{**place, other: 4}).stream("flip")
    assert ours.random() != theirs.random()


def test_streams_of_two_purposes_differ_and_one_repeats() -> None:
    draw = Draw(1, 2, 3)
    assert draw.stream("flip").random() == draw.stream("flip").random() != draw.stream("shift").random()


def test_one_more_change_leaves_the_others_as_they_were(pixels: np.ndarray) -> None:
    for epoch in range(10):
        draw = Draw(5, epoch, 7)
        alone = changed(pixels, ["flip"], draw, processor=PROCESSOR)
        expected = changed(alone, ["vertical_flip"], draw, processor=PROCESSOR)
        assert np.array_equal(changed(pixels, ["flip", "vertical_flip"], draw, processor=PROCESSOR), expected)
        assert np.array_equal(changed(pixels, ["vertical_flip", "flip"], draw, processor=PROCESSOR), expected)


def test_pixels_are_the_shares_of_255_normalised_to_the_last_bit() -> None:
    levels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    mean, std = (np.asarray(part, np.float32) for part in (PROCESSOR.mean, PROCESSOR.std))
    expected = ((np.asarray(levels, np.float32) / 255.0 - mean) / std).transpose(2, 0, 1)
    assert np.array_equal(PROCESSOR.pixels(Image.fromarray(levels)), expected)


def test_going_to_8_bits_and_back_loses_nothing_of_an_encoded_picture(pixels: np.ndarray) -> None:
    assert np.array_equal(PROCESSOR.pixels(PROCESSOR.picture(pixels)), pixels)
    assert np.array_equal(np.asarray(PROCESSOR.picture(pixels + 100)), np.full((32, 32, 3), 255))


def test_what_comes_in_from_outside_is_nearly_nought_to_the_model() -> None:
    white = np.ones((3, 32, 32), np.float32) * 2
    found = [changed(white, ["rotate"], Draw(1, epoch, 0), processor=PROCESSOR)[:, 0, 0] for epoch in range(20)]
    assert min(float(np.abs(corner).max()) for corner in found) < 0.01


def test_changes_on_pixels_and_on_pictures_may_alternate(pixels: np.ndarray) -> None:
    names, expected = ["shift", "color", "flip", "trivial", "erase"], pixels
    for name in names:
        expected = changed(expected, [name], Draw(2, 0, 0), processor=PROCESSOR)
    assert np.array_equal(changed(pixels, names, Draw(2, 0, 0), processor=PROCESSOR), expected)


def test_no_change_gives_the_very_pixels(pixels: np.ndarray) -> None:
    assert changed(pixels, [], Draw(2, 0, 0), processor=PROCESSOR) is pixels
    assert changed(pixels, ["mixup"], Draw(2, 0, 0), processor=PROCESSOR) is pixels  # mixing is the task's
