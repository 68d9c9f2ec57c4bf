"""Pictures to normalised arrays, as the backbone saw them in pretraining; Pillow and numpy only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.data.images import open_image
from finetune.write import write_json

if TYPE_CHECKING:
    from PIL.Image import Image

    from finetune.contracts import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageProcessor:
    """What the weights expect of a picture; the values come from the backbone's own configuration."""

    size: int  # side of the square input, in pixels
    mean: tuple[float, ...]  # per channel, of values in [0, 1]
    std: tuple[float, ...]
    resample: str = "bicubic"  # nearest, bilinear, bicubic or lanczos
    crop: float | None = None  # share of the shorter side that a centre crop keeps; None squashes to a square

    def save(self, folder: Path) -> None:
        """Write `processor.json`."""
        write_json(folder / "processor.json", {"kind": "image"} | asdict(self))

    @classmethod
    def load(cls, folder: Path) -> ImageProcessor:
        """Read what `save` wrote."""
        settings = json.loads((folder / "processor.json").read_text())
        del settings["kind"]
        return cls(**settings | {"mean": tuple(settings["mean"]), "std": tuple(settings["std"])})

    def encode(self, cells: Sequence[str | bytes]) -> list[dict[str, Any]]:
        """`pixel_values` (3, size, size) of each picture, float32, normalised."""
        return [{"pixel_values": self._square(open_image(cell))} for cell in cells]

    def _square(self, image: Image) -> Array:
        from PIL.Image import Resampling

        how = Resampling[self.resample.upper()]
        if self.crop is None:
            square = image.resize((self.size, self.size), how)
        else:
            scale = round(self.size / self.crop) / min(image.size)
            scaled = image.resize((max(self.size, round(image.width * scale)),
                                   max(self.size, round(image.height * scale))), how)
            left, top = (scaled.width - self.size) // 2, (scaled.height - self.size) // 2
            square = scaled.crop((left, top, left + self.size, top + self.size))
        return self.pixels(square)

    def pixels(self, image: Image) -> Array:
        """A picture of the right size as (3, size, size), float32, normalised."""
        # Band by band: with the channels innermost, the same arithmetic takes many times as long.
        found = np.stack([np.asarray(band, dtype=np.float32) for band in image.split()])
        found /= 255.0
        found -= np.asarray(self.mean, np.float32).reshape(-1, 1, 1)
        found /= np.asarray(self.std, np.float32).reshape(-1, 1, 1)
        return found

    def picture(self, pixels: Array) -> Image:
        """The picture that gives these pixels, in 8 bits a channel; what no picture can give is clipped."""
        from PIL import Image

        scale, start = (255 * np.asarray(part, np.float32).reshape(-1, 1, 1) for part in (self.std, self.mean))
        levels = pixels * scale
        levels += start + np.float32(0.5)  # the nearest level, once what is behind the point is cut off
        np.clip(levels, 0, 255, out=levels)
        return Image.merge("RGB", [Image.fromarray(band) for band in levels.astype(np.uint8)])

    @property
    def fill(self) -> tuple[int, ...]:
        """The colour, in 8 bits a channel, that is zero to the model."""
        return tuple(round(255 * value) for value in self.mean)
