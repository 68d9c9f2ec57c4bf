"""Policies that need no tuning: one or two operations drawn from fourteen, for each picture and epoch.

Ranges are those of the papers, in torchvision's bins, but for one: what moves a picture moves it by at most 0.45 of its
side (150 of 331 pixels in RandAugment). TrivialAugment's 32 pixels are all of a picture of 32 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finetune.data.augment.images import Change, Fill

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

BINS = 30  # steps from no strength to the full one
LEVEL = 9  # of RandAugment; torchvision's default
PICKED = 2  # operations of RandAugment, one after the other


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done with a strength, and the full strength in either policy; signed ones go both ways."""

    apply: Callable[[Image, float, Fill], Image]
    wide: float = 0.0
    usual: float = 0.0
    signed: bool = True


def trivial(image: Image, random: np.random.Generator, fill: Fill) -> Image:
    """One operation at any strength: Mueller and Hutter 2021, "TrivialAugment", wide search space (table 7)."""
    found = OPERATIONS[random.integers(len(OPERATIONS))]
    return _applied(found, image, found.wide * float(random.integers(BINS + 1)) / BINS, random=random, fill=fill)


def randaugment(image: Image, random: np.random.Generator, fill: Fill) -> Image:
    """Two operations at 9/30 of their strength: Cubuk et al. 2020, "RandAugment", ranges as in torchvision."""
    for _ in range(PICKED):
        found = OPERATIONS[random.integers(len(OPERATIONS))]
        image = _applied(found, image, found.usual * LEVEL / BINS, random=random, fill=fill)
    return image


def _applied(operation: Operation, image: Image, strength: float, *, random: np.random.Generator, fill: Fill) -> Image:
    back = random.random() < 0.5
    return operation.apply(image, -strength if back and operation.signed else strength, fill)


def _affine(image: Image, fill: Fill, matrix: tuple[float, float, float, float, float, float]) -> Image:
    from PIL.Image import Resampling, Transform

    return image.transform(image.size, Transform.AFFINE, matrix, Resampling.BILINEAR, fillcolor=fill)


def _shear_x(image: Image, strength: float, fill: Fill) -> Image:
    return _affine(image, fill, (1, strength, -strength * image.height / 2, 0, 1, 0))


def _shear_y(image: Image, strength: float, fill: Fill) -> Image:
    return _affine(image, fill, (1, 0, 0, strength, 1, -strength * image.width / 2))


def _move_x(image: Image, strength: float, fill: Fill) -> Image:
    return _affine(image, fill, (1, 0, strength * image.width, 0, 1, 0))


def _move_y(image: Image, strength: float, fill: Fill) -> Image:
    return _affine(image, fill, (1, 0, 0, 0, 1, strength * image.height))


def _turn(image: Image, strength: float, fill: Fill) -> Image:
    from PIL.Image import Resampling

    return image.rotate(strength, Resampling.BILINEAR, fillcolor=fill)


def _enhancing(name: str) -> Callable[[Image, float, Fill], Image]:
    """An enhancement of Pillow at 1 + strength, where 1 is the picture as it is."""
    def enhanced(image: Image, strength: float, fill: Fill) -> Image:  # noqa: ARG001  # as all operations have it
        from PIL import ImageEnhance

        changed: Image = getattr(ImageEnhance, name)(image).enhance(1 + strength)
        return changed

    return enhanced


def _posterize(image: Image, strength: float, fill: Fill) -> Image:  # noqa: ARG001  # as above
    from PIL import ImageOps

    return ImageOps.posterize(image, 8 - round(strength))


def _solarize(image: Image, strength: float, fill: Fill) -> Image:  # noqa: ARG001  # as above
    from PIL import ImageOps

    return ImageOps.solarize(image, round(255 * (1 - strength)) + (strength == 0))


def _without_strength(name: str) -> Callable[[Image, float, Fill], Image]:
    def applied(image: Image, strength: float, fill: Fill) -> Image:  # noqa: ARG001  # as above
        from PIL import ImageOps

        changed: Image = getattr(ImageOps, name)(image)
        return changed

    return applied


OPERATIONS = (
    Operation(lambda image, strength, fill: image),  # noqa: ARG005  # as above; nothing is one of the fourteen
    Operation(_shear_x, 0.99, 0.3), Operation(_shear_y, 0.99, 0.3),
    Operation(_move_x, 0.45, 0.45), Operation(_move_y, 0.45, 0.45), Operation(_turn, 135, 30),
    *(Operation(_enhancing(name), 0.99, 0.9) for name in ("Brightness", "Color", "Contrast", "Sharpness")),
    Operation(_posterize, 6, 4, signed=False), Operation(_solarize, 1, 1, signed=False),  # bits; share of the range
    Operation(_without_strength("autocontrast")), Operation(_without_strength("equalize")),
)
CHANGES: dict[str, Change] = {"trivial": trivial, "randaugment": randaugment}
