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
SAVED_AGAIN = (58, 266, 501, 640)  # and some of them as a JPEG file


def rows() -> SplitRows:
    """PNG or JPEG bytes and `label`, 0 to 100; the last rows are copies, which `key` tells."""
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(SEED)
    drawn = [_drawn(random) for _ in range(NUM_ROWS)]
    drawn += [drawn[row] for row in COPIED] + [(_as_jpeg(drawn[row][0]), drawn[row][1]) for row in SAVED_AGAIN]
    table = pa.table({
        "row": [f"levels:{i}" for i in range(len(drawn))],
        "hash": [hashlib.sha256(picture).hexdigest() for picture, _ in drawn],
        "image": [picture for picture, _ in drawn],
        "label": [level for _, level in drawn],
    })
    return SplitRows({"train": table}, source="sample", name="drawn vessels", license="apache-2.0")


def key() -> list[dict[str, str]]:
    """The dirty rows: `row`, `dirt`, the `rule` that must find it, and `original`."""
    dirt = [("exact duplicate", "duplicates", row) for row in COPIED]
    dirt += [("near duplicate", "near_duplicates", row) for row in SAVED_AGAIN]
    return [{"row": f"levels:{NUM_ROWS + place}", "dirt": kind, "rule": rule, "original": f"levels:{row}"}
            for place, (kind, rule, row) in enumerate(dirt)]


def _drawn(random: np.random.Generator) -> tuple[bytes, float]:
    """One vessel with its liquid, darker than the light background; slightly noisy."""
    import numpy as np
    from PIL import Image, ImageDraw

    wall, liquid, behind = (tuple(int(part) for part in random.integers(low, low + 60, 3)) for low in (90, 20, 190))
    image = Image.new("RGB", (SIDE, SIDE), behind)
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, int(random.integers(26, 46)), SIDE, SIDE],  # what it stands on
                   fill=tuple(int(part) for part in random.integers(130, 220, 3)))
    top, bottom = int(random.integers(3, 15)), int(random.integers(32, 46))
    left = int(random.integers(3, 22))
    right = left + int(random.integers(12, 25))
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
    size = int(random.integers(2, 5))
    draw.ellipse([x - size, y - size // 2, x + size, y + size // 2],
                 fill=tuple(int(part) for part in random.integers(120, 256, 3)))


def _png(image: Any) -> bytes:
    opened = io.BytesIO()
    image.save(opened, format="PNG")
    return opened.getvalue()


def _as_jpeg(picture: bytes) -> bytes:
    from PIL import Image

    opened = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(opened, format="JPEG", quality=85)
    return opened.getvalue()
