"""The pixels of a data set: mean and standard deviation of each channel, and how bright each picture is.

They are measured at about the size at which a model sees them, on at most MOST pictures of a split: the mean of so many
is known to a hundredth, and to open all of 20,000 photographs once more would take half as long as all other cleaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from finetune.machine import cores

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

MOST = 250
SIDE = 128  # pixels: JPEG is decoded no larger than it takes to have these
CHANNELS = 3


def drawn(table: pa.Table, roles: Mapping[str, str], *, seed: int) -> pa.Table:
    """The rows that are measured, in their order: some of very many pictures, all of texts."""
    import numpy as np

    if "image" not in roles.values() or table.num_rows <= MOST:
        return table
    return table.take(np.sort(np.random.default_rng(seed).permutation(table.num_rows)[:MOST]))


def look(table: pa.Table, roles: Mapping[str, str]) -> Array:
    """Per picture the mean of each channel, then the mean of its squares, all in [0, 1]; shape (pictures, 6)."""
    import numpy as np

    column = next((name for name, kind in roles.items() if kind == "image"), None)
    if column is None or not table.num_rows:
        return np.zeros((0, 2 * CHANNELS))
    with ThreadPoolExecutor(min(4, cores())) as pool:
        return np.stack(list(pool.map(_moments, table[column].to_pylist())))


def brightness(looked: Array) -> dict[str, Array]:
    """The mean of all channels of each picture, in [0, 1]; nothing where there is no picture."""
    return {"brightness": looked[:, :CHANNELS].mean(axis=1)} if len(looked) else {}


def channels(looked: Mapping[str, Array], splits: Mapping[str, pa.Table]) -> dict[str, Any]:
    """`mean` and `std` of red, green and blue over the training pictures, and `by_split` of each.

    Every picture weighs the same, whatever its size. `rows` is how many were looked into, `of` how many there are.
    """
    by_split = {split: {"rows": len(moments), "of": splits[split].num_rows, **_spread(moments)}
                for split, moments in looked.items() if len(moments)}
    return {**by_split.get("train", {}), "by_split": by_split}


def _spread(moments: Array) -> dict[str, list[float]]:
    import numpy as np

    mean, square = np.split(moments.mean(axis=0), 2)
    return {"mean": [round(float(value), 4) for value in mean],
            "std": [round(float(value), 4) for value in np.sqrt(np.maximum(square - mean**2, 0))]}


def _moments(cell: str | bytes) -> Array:
    import numpy as np

    from finetune.data.images import open_small

    shares = np.reshape(open_small(cell, SIDE).histogram(), (CHANNELS, 256)).astype(np.float64)
    shares /= shares.sum(axis=1, keepdims=True)
    levels = np.arange(256) / 255
    return np.concatenate([shares @ levels, shares @ levels**2])
