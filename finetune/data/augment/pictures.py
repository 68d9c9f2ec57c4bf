"""The changes to a training picture, one after the other, each from a stream of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from finetune.data.augment import arrays, images, mix, policies
from finetune.data.augment import names as names_of

if TYPE_CHECKING:
    from finetune.contracts import Array, Draw
    from finetune.data.pixels import ImageProcessor

ON_IMAGES = {**images.CHANGES, **policies.CHANGES}
MIN_SIZE = 8  # pixels; `shift` moves by an eighth of the side
NAMES = (*arrays.CHANGES, *ON_IMAGES, *mix.CHANGES)


def size_problems(size: int | None) -> list[str]:
    """What is wrong with `task.image_size`."""
    if size is None or size >= MIN_SIZE:
        return []
    return [f"task.image_size: {size} found, at least {MIN_SIZE} pixels are needed. Use 224."]


def problems(names: Sequence[str], mix_until: int | None) -> list[str]:
    """What is wrong with `task.augmentations` and `task.mix_until`."""
    found = names_of.problems(names, NAMES)
    if mix_until is None:
        return found
    if not set(names) & set(mix.CHANGES):
        found.append(f"task.mix_until: {mix_until} found, but no pictures are mixed. Add mixup or cutmix to "
                     "task.augmentations, or leave it out.")
    elif mix_until < 1:
        found.append(f"task.mix_until: {mix_until} found, at least 1 epoch has to be mixed. Take mixup and cutmix out "
                     "of task.augmentations, or leave it out.")
    return found


def changed(pixels: Array, names: Sequence[str], draw: Draw, *, processor: ImageProcessor) -> Array:
    """Normalised pixels (3, H, W) after every change but mixing, in the order of the names."""
    for as_image, group in groupby((name for name in names if name not in mix.CHANGES), key=ON_IMAGES.__contains__):
        if as_image:  # what was encoded came from 8 bits a channel, so going back loses nothing
            image, fill = processor.picture(pixels), processor.fill
            for name in group:
                image = ON_IMAGES[name](image, draw.stream(name), fill)
            pixels = processor.pixels(image)
        else:
            for name in group:
                pixels = arrays.CHANGES[name](pixels, draw.stream(name))
    return pixels
