"""Drawn glasses, bottles and jars, and how full they are in percent: the sample of a picture with a number."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

from finetune.contracts import SplitRows

if TYPE_CHECKING:
    import numpy as np

NUM_ROWS, SIDE, SEED = 720, 48, 7
COPIED = (31, 87, 140, 205, 333, 412)  # rows that come once more, at the end
NOT_NUMBERED = (58, 266, 501)  # rows whose number was forgotten


def rows() -> SplitRows:
    """PNG bytes and `label`, 0 to 100; of some rows it is missing, and some come twice: `key` tells which."""
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(SEED)
    drawn = [_drawn(random) for _ in range(NUM_ROWS)]
    drawn += [drawn[row] for row in COPIED]
    table = pa.table({
        "row": [f"levels:{i}" for i in range(len(drawn))],
        "hash": [hashlib.sha256(picture).hexdigest() for picture, _ in drawn],
        "image": [picture for picture, _ in drawn],
        "label": pa.array([None if i in NOT_NUMBERED else level for i, (_, level) in enumerate(drawn)], pa.float64()),
    })
    return SplitRows({"train": table}, source="sample", name="drawn vessels", license="apache-2.0")


def key() -> list[dict[str, str]]:
    """The dirty rows: `row`, `dirt`, the `rule` that must find it, and `original`."""
    copies = [{"row": f"levels:{NUM_ROWS + place}", "dirt": "exact duplicate", "rule": "duplicates",
               "original": f"levels:{row}"} for place, row in enumerate(COPIED)]
    return copies + [{"row": f"levels:{row}", "dirt": "no number", "rule": "missing_labels", "original": ""}
                     for row in NOT_NUMBERED]


def _drawn(random: np.random.Generator) -> tuple[bytes, float]:
    """One vessel with its liquid, on a background that may be darker or lighter than both, and slightly noisy."""
    import numpy as np
    from PIL import Image, ImageDraw

    wall, liquid, behind = (tuple(int(part) for part in random.integers(30, 226, 3)) for _ in range(3))
    image = Image.new("RGB", (SIDE, SIDE), behind)
    draw = ImageDraw.Draw(image)
    top, bottom = int(random.integers(4, 12)), int(random.integers(36, 45))
    left, right = int(random.integers(6, 17)), int(random.integers(30, 42))
    narrower = int(random.integers(0, 5))  # at the foot
    level = round(float(random.uniform(0, 100)), 1)
    surface = bottom - (bottom - top) * level / 100
    share = (bottom - surface) / (bottom - top)
    draw.polygon([(left + narrower * (1 - share), surface), (right - narrower * (1 - share), surface),
                  (right - narrower, bottom), (left + narrower, bottom)], fill=liquid)
    draw.line([(left, top), (left + narrower, bottom), (right - narrower, bottom), (right, top)], fill=wall, width=2)
    _shade(draw, random)
    pixels = np.asarray(image, np.int16) + random.integers(-9, 10, (SIDE, SIDE, 3))
    return _png(Image.fromarray(pixels.clip(0, 255).astype(np.uint8))), level


def _shade(draw: Any, random: np.random.Generator) -> None:
    """A spot of light or a shadow that has nothing to do with the level."""
    x, y = (int(place) for place in random.integers(0, SIDE, 2))
    size = int(random.integers(2, 7))
    draw.ellipse([x - size, y - size // 2, x + size, y + size // 2],
                 fill=tuple(int(part) for part in random.integers(0, 256, 3)))


def _png(image: Any) -> bytes:
    opened = io.BytesIO()
    image.save(opened, format="PNG")
    return opened.getvalue()
