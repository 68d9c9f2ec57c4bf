"""Equal numbers, found without sorting."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.clean.near.equal import repeated, twins


@pytest.mark.parametrize("numbers", [
    np.zeros(0, np.uint64), np.zeros(1000, np.uint64), np.arange(5000, dtype=np.uint64) << np.uint64(40),
    np.random.default_rng(0).integers(300, size=5000, dtype=np.uint64),
    np.random.default_rng(1).integers(2**64, size=5000, dtype=np.uint64),
    np.random.default_rng(2).integers(2**32, size=5000, dtype=np.uint32),
], ids=["none", "all equal", "low bits equal", "few values", "many values", "32 bits"])
def test_numbers_have_one_twin_if_they_are_equal(numbers):
    found = twins(numbers)
    assert np.array_equal(numbers[found], numbers)
    assert len(np.unique(found)) == len(np.unique(numbers))
    assert repeated(numbers).tolist() == (np.bincount(found, minlength=1)[found] > 1).tolist()


def test_only_numbers_that_occur_again_are_repeated():
    assert repeated(np.array([5, 7, 5, 9, 7, 5, 0], np.uint32)).tolist() == [True, True, True, False, True, True, False]
