"""Changes to pictures of 8 bits a channel: what turns, crops and blurs them, and what changes their colours.

`fill` is the colour of what comes in from outside the picture. Pillow alone, so that no other generator has a say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

Fill = tuple[int, ...]
Change = Callable[["Image", "np.random.Generator", Fill], "Image"]

DEGREES = 10.0  # of fastai's aug_transforms
JITTER = 0.4  # brightness, contrast and saturation of timm's training script
HUE = 0.1  # of a full turn; Chen et al. 2020, "Improved Baselines with Momentum Contrastive Learning", as in its code
BLUR = 2.0  # widest sigma at 224 pixels; Chen et al. 2020, "A Simple Framework for Contrastive Learning", appendix A


def crop(image: Image, random: np.random.Generator, fill: Fill) -> Image:  # noqa: ARG001  # as all changes have it
    """A part of 50 to 100 % of the area, its sides 3 to 4 or 4 to 3 at most, enlarged to the whole.

    Szegedy et al. 2014 take 8 to 100 % of the file's picture; here the part is enlarged from the model's own input
    size, where less than half would mostly be blur (Ultralytics trains classifiers with 50 % too).
    """
    from PIL.Image import Resampling

    width, height = image.size
    share, ratio = random.uniform(0.5, 1.0), math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
    wide, tall = min(1.0, (share * ratio) ** 0.5) * width, min(1.0, (share / ratio) ** 0.5) * height
    left, top = random.uniform(0, width - wide), random.uniform(0, height - tall)
    return image.resize(image.size, Resampling.BILINEAR, box=(left, top, left + wide, top + tall))


def rotate(image: Image, random: np.random.Generator, fill: Fill) -> Image:
    """Turned by up to 10 degrees either way."""
    from PIL.Image import Resampling

    return image.rotate(random.uniform(-DEGREES, DEGREES), Resampling.BILINEAR, fillcolor=fill)


def color(image: Image, random: np.random.Generator, fill: Fill) -> Image:  # noqa: ARG001  # as above
    """Brightness, contrast and saturation 0.6 to 1.4 times, and the hue turned by up to a tenth."""
    from PIL import ImageEnhance

    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = kind(image).enhance(random.uniform(1 - JITTER, 1 + JITTER))
    turn = round(255 * random.uniform(-HUE, HUE))
    bands = image.convert("HSV").split()
    turned = bands[0].point([(value + turn) % 256 for value in range(256)])
    return merged("HSV", (turned, *bands[1:])).convert("RGB")


def blur(image: Image, random: np.random.Generator, fill: Fill) -> Image:  # noqa: ARG001  # as above
    """Out of focus, one time in two: sigma 0.1 to 2 pixels where the side has 224, in proportion elsewhere."""
    from PIL.ImageFilter import GaussianBlur

    if random.random() >= 0.5:
        return image
    return image.filter(GaussianBlur(random.uniform(0.1, BLUR) * max(image.size) / 224))


def merged(mode: str, bands: tuple[Image, ...]) -> Image:
    """Single channels as one picture."""
    from PIL import Image

    return Image.merge(mode, bands)


CHANGES: dict[str, Change] = {"crop": crop, "rotate": rotate, "color": color, "blur": blur}
