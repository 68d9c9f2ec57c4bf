"""Stacking and padding of examples into numpy arrays: the same code in training, the export gate and predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finetune.contracts import Array


def pad(sequences: Sequence[Any], value: int) -> Array:
    """Sequences of token ids as one array (rows, longest), filled on the right with `value`."""
    import numpy as np

    padded = np.full((len(sequences), max(map(len, sequences))), value, dtype=np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded


def stack(values: Sequence[Any]) -> Array:
    """Values of equal shape as one array with a leading row axis."""
    import numpy as np

    return np.stack([np.asarray(value) for value in values])


def objects(values: Sequence[Any]) -> Array:
    """One entry per row, of any length: lists, texts."""
    import numpy as np

    found = np.empty(len(values), object)
    found[:] = values if len(values) != 1 else [values[0]]
    return found
