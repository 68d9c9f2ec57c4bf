"""How long the training texts are: bins between whole numbers, and none of them on both sides of the cut."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.run.train import MAX_BINS, _edges


@pytest.mark.parametrize(("lengths", "cut"), [
    ([13, 31, 20], 128), ([5, 400, 129, 128], 128), ([7], 7), ([1, 2, 3], 2), ([200, 300], 128), ([0, 1], 128),
    ([1, 100_000], 512),
])
def test_bins_hold_all_lengths_and_part_those_that_are_cut(lengths: list[int], cut: int) -> None:
    edges = _edges(np.array(lengths), cut=cut)
    width = edges[1] - edges[0]
    assert (np.diff(edges) == width).all() and width == round(width) and (edges % 1 == 0.5).all()
    counts, _ = np.histogram(lengths, bins=edges)
    assert counts.sum() == len(lengths) and counts[-1] and len(counts) <= MAX_BINS + 1
    assert edges[0] > cut or edges[-1] < cut or cut + 0.5 in edges
