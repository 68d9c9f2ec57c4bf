"""Two training pictures as one: the pixels, and the share of the first that its label keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from finetune.contracts import Array

MIXUP_ALPHA = 0.2  # Zhang et al. 2018, section 3.1: 0.1 to 0.4 served ImageNet, more underfits
CUTMIX_ALPHA = 1.0  # Yun et al. 2019, section 4.1


def mixup(ours: Array, theirs: Array, random: np.random.Generator) -> tuple[Array, float]:
    """Both pictures through each other: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization"."""
    share = ours.dtype.type(random.beta(MIXUP_ALPHA, MIXUP_ALPHA))
    return share * ours + (1 - share) * theirs, float(share)


def cutmix(ours: Array, theirs: Array, random: np.random.Generator) -> tuple[Array, float]:
    """A rectangle of the second in the first: Yun et al. 2019, "CutMix", algorithm 1.

    The share is that of the pixels, since a rectangle at the edge is cut off.
    """
    _, height, width = ours.shape
    side = (1 - random.beta(CUTMIX_ALPHA, CUTMIX_ALPHA)) ** 0.5
    tall, wide = int(height * side), int(width * side)
    middle_y, middle_x = random.integers(height), random.integers(width)
    top, bottom = max(0, middle_y - tall // 2), min(height, middle_y - tall // 2 + tall)
    left, right = max(0, middle_x - wide // 2), min(width, middle_x - wide // 2 + wide)
    pixels = ours.copy()
    pixels[:, top:bottom, left:right] = theirs[:, top:bottom, left:right]
    return pixels, 1 - float((bottom - top) * (right - left)) / (height * width)


CHANGES: dict[str, Callable[[Array, Array, np.random.Generator], tuple[Array, float]]] = {
    "mixup": mixup, "cutmix": cutmix,
}
