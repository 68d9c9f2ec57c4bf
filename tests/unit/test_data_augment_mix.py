"""MixUp and CutMix: the share of a label is the share of its picture."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.data.augment.mix import CHANGES, cutmix, mixup

OURS, THEIRS = np.zeros((3, 24, 32), np.float32), np.ones((3, 24, 32), np.float32)


@pytest.mark.parametrize("name", CHANGES)
def test_share_is_what_is_left_of_the_own_picture(name: str) -> None:
    for seed in range(200):
        pixels, share = CHANGES[name](OURS, THEIRS, np.random.default_rng(seed))
        assert (pixels.shape, pixels.dtype) == (OURS.shape, np.float32)
        assert 0 <= share <= 1
        assert float(pixels.mean(dtype=np.float64)) == pytest.approx(1 - share, abs=1e-6)
    assert OURS.max() == 0 and THEIRS.min() == 1


def test_mixup_blends_every_pixel_alike_and_mostly_a_little() -> None:
    shares = [mixup(OURS, THEIRS, np.random.default_rng(seed))[1] for seed in range(2000)]
    pixels, _ = mixup(OURS, THEIRS, np.random.default_rng(3))
    assert np.ptp(pixels) == 0
    assert float(np.mean(shares)) == pytest.approx(0.5, abs=0.03)
    assert float(np.var(shares)) == pytest.approx(0.25 / 1.4, abs=0.01)  # of a beta distribution of 0.2 and 0.2


def test_cutmix_puts_one_rectangle_of_any_size_in() -> None:
    shares = []
    for seed in range(300):
        pixels, share = cutmix(OURS, THEIRS, np.random.default_rng(seed))
        down, right = pixels[0].any(axis=1), pixels[0].any(axis=0)
        assert pixels[0].sum() == down.sum() * right.sum()
        assert np.diff(np.flatnonzero(down)).max(initial=1) == np.diff(np.flatnonzero(right)).max(initial=1) == 1
        shares.append(share)
    assert min(shares) < 0.25 and max(shares) > 0.98
    assert 0.62 < float(np.mean(shares)) < 0.75  # above a half, since what lies over the edge is cut off
