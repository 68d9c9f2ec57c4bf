from __future__ import annotations

import numpy as np
import pytest

from finetune.clean.probe import linear, patches


@pytest.fixture(scope="module")
def stripes() -> tuple[np.ndarray, np.ndarray]:
    """Pictures with lines across or down, anywhere, over noise."""
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 120)
    pixels = random.integers(0, 60, (120, 32, 32, 3)).astype(np.uint8)
    for picture, down in zip(pixels, targets, strict=True):
        for place in random.integers(0, 32, 4):
            picture[(slice(None), place) if down else place] = 255
    return pixels, targets


def test_features_tell_lines_across_from_lines_down(stripes: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, targets = stripes
    features = patches.learn(pixels, seed=1).features(pixels)
    assert features.shape == (120, patches.WIDTH) and features.dtype == np.float32
    found = linear.out_of_sample(features[:, :40], targets, np.arange(120), num_labels=2, seed=1).argmax(axis=1)
    assert (found == targets).mean() > 0.95


def test_features_are_those_of_each_patch_one_by_one(stripes: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, _ = stripes
    filters = patches.learn(pixels, seed=1)
    rows = []
    for y in range(0, 27, 2):
        for x in range(0, 27, 2):
            patch = pixels[3, y : y + 6, x : x + 6].astype(np.float64).ravel()
            answer = (patch - patch.mean()) / np.sqrt(patch.var() + patches.CONTRAST) @ filters.bank - filters.shift
            rows.append(np.maximum(np.concatenate([answer, -answer]) - patches.THRESHOLD, 0))
    quarters = np.array(rows).reshape(2, 7, 2, 7, -1).mean(axis=(1, 3)).ravel()
    assert filters._answers(pixels[3:4])[0] == pytest.approx(quarters, abs=1e-3)


def test_same_seed_gives_the_same_filters(stripes: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, _ = stripes
    first, second = (patches.learn(pixels, seed=4).features(pixels[:5]) for _ in range(2))
    assert np.array_equal(first, second)


def test_pictures_without_contrast_have_finite_features(stripes: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, _ = stripes
    plain = np.full((70, 32, 32, 3), 200, np.uint8)
    assert np.isfinite(patches.learn(plain, seed=1).features(plain)).all()
    assert np.isfinite(patches.learn(pixels, seed=1).features(plain)).all()
