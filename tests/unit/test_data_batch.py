"""Padding and stacking."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.data.batch import pad, stack


def test_sequences_are_filled_on_the_right_up_to_the_longest() -> None:
    padded = pad([[1, 2, 3], [4], []], 9)
    assert padded.tolist() == [[1, 2, 3], [4, 9, 9], [9, 9, 9]]
    assert padded.dtype == np.int64


def test_equal_lengths_need_no_filling() -> None:
    assert pad([(5, 6), np.array([7, 8])], 0).tolist() == [[5, 6], [7, 8]]


def test_values_are_stacked_along_a_new_first_axis() -> None:
    stacked = stack([np.zeros((3, 2), np.float32), np.ones((3, 2), np.float32)])
    assert stacked.shape == (2, 3, 2)
    assert stacked.dtype == np.float32
    assert stacked[:, 0, 0].tolist() == [0.0, 1.0]


def test_values_of_unequal_shape_are_not_stacked() -> None:
    with pytest.raises(ValueError, match="same shape"):
        stack([np.zeros(2), np.zeros(3)])
