"""What moves, mirrors or covers pixels: repeatable, and never more than it promises."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.data.augment.arrays import CHANGES, erase, flip, noise, shift, vertical_flip


def picture(side: int = 8) -> np.ndarray:
    """Every pixel of the three channels has a value of its own."""
    return np.arange(3 * side * side, dtype=np.float32).reshape(3, side, side)


def moved_by(before: np.ndarray, after: np.ndarray, reach: int) -> tuple[int, int]:
    """By how much the inside of a picture has been moved (down, right); what came in at the edges is left out."""
    inside = after[0, reach:-reach, reach:-reach]
    (place,) = np.argwhere(before[0] == inside[0, 0])
    return reach - int(place[0]), reach - int(place[1])


@pytest.mark.parametrize("name", CHANGES)
def test_same_generator_state_gives_the_same_picture(name: str) -> None:
    for seed in range(10):
        first = CHANGES[name](picture(), np.random.default_rng((1, 2, seed)))
        assert (first == CHANGES[name](picture(), np.random.default_rng((1, 2, seed)))).all()


@pytest.mark.parametrize("name", CHANGES)
def test_given_picture_stays_as_it_is(name: str) -> None:
    given = picture()
    for seed in range(10):
        CHANGES[name](given, np.random.default_rng(seed))
    assert (given == picture()).all()


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("side", [8, 9, 32])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_stay(name: str, side: int, dtype: type) -> None:
    for seed in range(4):
        changed = CHANGES[name](picture(side).astype(dtype), np.random.default_rng(seed))
        assert changed.shape == (3, side, side)
        assert changed.dtype == dtype
        assert changed.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize(("side", "reach"), [(8, 1), (16, 2), (31, 3)])
def test_shift_moves_by_up_to_an_eighth_in_every_direction(side: int, reach: int) -> None:
    random = np.random.default_rng(0)
    found = {moved_by(picture(side), shift(picture(side), random), reach) for _ in range(700)}
    each_way = range(-reach, reach + 1)
    assert found == {(down, right) for down in each_way for right in each_way}


def test_shift_mirrors_the_edges_and_moves_all_channels_alike() -> None:
    given = np.stack([np.tile(np.arange(8.0), (8, 1))] * 3)
    rows = {tuple(shift(given, np.random.default_rng(seed))[2, 4].tolist()) for seed in range(60)}
    assert rows == {
        (0, 1, 2, 3, 4, 5, 6, 7),
        (1, 0, 1, 2, 3, 4, 5, 6),
        (1, 2, 3, 4, 5, 6, 7, 6),
    }


def test_flip_mirrors_left_to_right_half_of_the_time() -> None:
    random, mirrored = np.random.default_rng(0), 0
    for _ in range(400):
        after = flip(picture(), random)
        changed = (after == picture()[:, :, ::-1]).all()
        assert changed or (after == picture()).all()
        mirrored += bool(changed)
    assert 160 < mirrored < 240


def test_vertical_flip_mirrors_top_to_bottom_half_of_the_time() -> None:
    random, mirrored = np.random.default_rng(0), 0
    for _ in range(400):
        after = vertical_flip(picture(), random)
        changed = (after == picture()[:, ::-1]).all()
        assert changed or (after == picture()).all()
        mirrored += bool(changed)
    assert 160 < mirrored < 240


def test_noise_has_up_to_four_tenths_of_a_standard_deviation_and_no_direction() -> None:
    grains = [noise(np.zeros((3, 64, 64), np.float32), np.random.default_rng(seed)) for seed in range(60)]
    sigmas = [float(grain.std()) for grain in grains]
    assert 0 <= min(sigmas) < 0.05 and 0.35 < max(sigmas) < 0.41
    assert abs(float(np.mean(grains))) < 0.002


def test_erase_covers_one_rectangle_of_2_to_33_percent_half_of_the_time() -> None:
    shares = []
    for seed in range(300):
        covered = (erase(np.full((3, 64, 64), 9.0), np.random.default_rng(seed)) != 9.0).any(axis=0)
        if not covered.any():
            continue
        down, right = covered.any(axis=1), covered.any(axis=0)
        assert covered.sum() == down.sum() * right.sum()
        assert np.diff(np.flatnonzero(down)).max(initial=1) == np.diff(np.flatnonzero(right)).max(initial=1) == 1
        shares.append(covered.mean())
    assert 120 < len(shares) < 180
    assert 0.015 < min(shares) < 0.05 and 0.28 < max(shares) < 0.34
