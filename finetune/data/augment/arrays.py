"""Changes to normalised pixels (3, H, W) that need no decoding: they move, mirror or cover what is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from finetune.contracts import Array

Change = Callable[["Array", "np.random.Generator"], "Array"]


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


def vertical_flip(pixels: Array, random: np.random.Generator) -> Array:
    """Mirrored top to bottom, one time in two; for pictures without an up, as from a microscope or a satellite."""
    import numpy as np

    return np.ascontiguousarray(pixels[:, ::-1]) if random.random() < 0.5 else pixels


def noise(pixels: Array, random: np.random.Generator) -> Array:
    """Gaussian noise of up to 0.4 standard deviations, which is about a tenth of the range of a channel.

    A tenth is the strength of torchvision's GaussianNoise.
    """
    import numpy as np

    grain: Array = random.standard_normal(pixels.shape, dtype=np.float32)  # type: ignore[assignment]  # an array, by its shape
    changed: Array = pixels + grain * np.float32(random.uniform(0, 0.4))
    return changed


def erase(pixels: Array, random: np.random.Generator) -> Array:
    """A rectangle of 2 to 33 % of the picture, its sides 0.3 to 3.3 to one, becomes noise, one time in two.

    Zhong et al. 2017, "Random Erasing Data Augmentation", section 3.2.
    """
    import numpy as np

    if random.random() >= 0.5:
        return pixels
    channels, height, width = pixels.shape
    area, ratio = height * width * random.uniform(0.02, 0.33), np.exp(random.uniform(np.log(0.3), np.log(3.3)))
    tall, wide = min(height, max(1, round((area * ratio) ** 0.5))), min(width, max(1, round((area / ratio) ** 0.5)))
    top, left = random.integers(0, height - tall + 1), random.integers(0, width - wide + 1)
    covered = pixels.copy()
    covered[:, top : top + tall, left : left + wide] = random.standard_normal((channels, tall, wide), dtype=np.float32)
    return covered


CHANGES: dict[str, Change] = {
    "shift": shift, "flip": flip, "vertical_flip": vertical_flip, "noise": noise, "erase": erase,
}
