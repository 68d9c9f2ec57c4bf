"""What turns, crops, blurs and colours a picture: within its bounds, size kept, and really doing something."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from PIL import Image

from finetune.data.augment.images import CHANGES, color, crop, rotate

FILL = (7, 11, 13)


def picture(width: int = 32, height: int = 32) -> Image.Image:
    """Every place has a colour of its own, none of them that of the fill."""
    down, right = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([60 + 5 * down, 60 + 5 * right, 90 + 2 * (down + right)], axis=-1).astype(np.uint8))


def changed(name: str, seed: int, given: Image.Image) -> np.ndarray:
    return np.asarray(CHANGES[name](given, np.random.default_rng(seed), FILL))


@pytest.mark.parametrize("name", CHANGES)
def test_change_keeps_size_and_mode_repeats_and_leaves_the_given_picture(name: str) -> None:
    given = picture(40, 32)
    for seed in range(8):
        first, again = changed(name, seed, given), changed(name, seed, given)
        assert first.shape == (32, 40, 3) and first.dtype == np.uint8
        assert (first == again).all()
    assert (np.asarray(given) == np.asarray(picture(40, 32))).all()


@pytest.mark.parametrize("name", CHANGES)
def test_change_does_change_most_pictures(name: str) -> None:
    same = sum(bool((changed(name, seed, picture(64, 64)) == np.asarray(picture(64, 64))).all()) for seed in range(40))
    assert same <= (32 if name == "blur" else 1)


def test_crop_shows_at_least_half_of_the_area_and_enlarges_it() -> None:
    spans = []
    for seed in range(200):
        found = np.asarray(crop(picture(), np.random.default_rng(seed), FILL)).astype(int)
        tall, wide = (np.ptp(found[..., channel]) / 5 + 1 for channel in (0, 1))
        spans.append(tall * wide / 32**2)
    assert 0.42 < min(spans) < 0.6 and max(spans) > 0.9


def test_rotate_turns_both_ways_and_fills_the_corners() -> None:
    corners = [np.asarray(rotate(picture(), np.random.default_rng(seed), FILL))[0, 0] for seed in range(20)]
    assert any((corner == FILL).all() for corner in corners)
    tops = [int(np.asarray(rotate(picture(), np.random.default_rng(seed), FILL))[4, 16, 0]) for seed in range(60)]
    centre = int(np.asarray(picture())[4, 16, 0])
    assert min(tops) <= centre <= max(tops) and max(tops) - min(tops) < 30  # ten degrees move it little there


def test_color_turns_the_hue_by_a_tenth_at_most() -> None:
    red = Image.new("RGB", (8, 8), (200, 40, 40))
    turns = []
    for seed in range(200):
        pixel = np.asarray(color(red, np.random.default_rng(seed), FILL))[0, 0] / 255
        turns.append((colorsys.rgb_to_hsv(*pixel)[0] + 0.5) % 1 - 0.5)
    assert -0.11 < min(turns) < -0.07 and 0.07 < max(turns) < 0.11
