"""Random changes to training pictures (3, H, W); each is a pure function of the picture and a generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from finetune.contracts import Array


def shift(pixels: Array, random: np.random.Generator) -> Array:
    """Moved by up to an eighth of the side in both directions; edges are mirrored."""
    import numpy as np

    reach = max(1, pixels.shape[-1] // 8)
    down, right = random.integers(0, 2 * reach + 1, size=2)
    padded = np.pad(pixels, ((0, 0), (reach, reach), (reach, reach)), mode="reflect")
    return np.ascontiguousarray(padded[:, down : down + pixels.shape[1], right : right + pixels.shape[2]])


def flip(pixels: Array, random: np.random.Generator) -> Array:
    """Mirrored left to right, one time in two; not for pictures whose direction is their meaning, as digits."""
    import numpy as np

    return np.ascontiguousarray(pixels[:, :, ::-1]) if random.random() < 0.5 else pixels


CHANGES: dict[str, Callable[[Array, np.random.Generator], Array]] = {"shift": shift, "flip": flip}
