"""Small pictures of circles, squares, triangles and crosses on plain or striped ground, drawn from a seed.

A picture shows any of the shapes, or none: its labels are those it shows, and `stripes` where the ground has them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.contracts import SplitRows

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

NUM_ROWS = 900
SIDE = 20  # pixels
SCALE = 4  # drawn larger and made smaller, so that edges are soft
SHARES = {"circle": 0.35, "cross": 0.1, "square": 0.3, "stripes": 0.25, "triangle": 0.3}
# The dirty rows and the rule that finds each: what people's folders of pictures hold, too.
KEY: Mapping[str, str] = {
    "shapes:900": "duplicates", "shapes:901": "duplicates", "shapes:902": "duplicates",
    "shapes:7": "contradictions", "shapes:903": "contradictions", "shapes:8": "contradictions",
    "shapes:904": "contradictions", "shapes:905": "broken_pictures",
}


def rows() -> SplitRows:
    """All pictures as PNG bytes with their lists of labels; the same on every machine."""
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(2026)
    found = [_row(random) for _ in range(NUM_ROWS)]
    found += [found[3], found[4], (found[5][0], found[5][1][::-1])]  # copies
    found += [(found[row][0], ["cross"] if found[row][1] != ["cross"] else []) for row in (7, 8)]  # labelled otherwise
    found += [(found[9][0][:120], found[9][1])]  # cut off as it was copied
    table = pa.table({
        "row": [f"shapes:{i}" for i in range(len(found))],
        "hash": [hashlib.sha256(picture).hexdigest() for picture, _ in found],
        "image": [picture for picture, _ in found],
        "label": pa.array([names for _, names in found], pa.list_(pa.string())),
    })
    return SplitRows({"train": table}, source="sample", name="shapes", license="apache-2.0")


def _row(random: np.random.Generator) -> tuple[bytes, list[str]]:
    from PIL import Image

    names = [name for name, share in SHARES.items() if random.random() < share]
    picture = _ground(random, striped="stripes" in names)
    corners = random.permutation(4)
    for name, corner in zip((name for name in names if name != "stripes"), corners, strict=False):
        _draw(picture, name, corner=int(corner), random=random)
    opened = io.BytesIO()
    _grainy(picture.resize((SIDE, SIDE), Image.Resampling.BOX), random).save(opened, format="PNG")
    return opened.getvalue(), names


def _grainy(picture: Image, random: np.random.Generator) -> Image:
    """The picture with the grain of a cheap camera."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(picture, dtype=np.float64) + random.normal(scale=16, size=(SIDE, SIDE, 1))
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


def _ground(random: np.random.Generator, *, striped: bool) -> Any:
    from PIL import Image, ImageDraw

    side = SIDE * SCALE
    light = tuple(int(value) for value in random.integers(170, 256, 3))
    picture = Image.new("RGB", (side, side), light)
    if striped:
        pen, width = ImageDraw.Draw(picture), int(random.integers(5, 9))
        darker = tuple(value - 60 for value in light)
        for start in range(int(random.integers(width)), side, 2 * width):
            pen.rectangle((0, start, side, start + width - 1), fill=darker)
    return picture


def _draw(picture: Any, name: str, *, corner: int, random: np.random.Generator) -> None:
    """One shape in one corner, of random size, place and dark colour."""
    from PIL import ImageDraw

    pen, half = ImageDraw.Draw(picture), SIDE * SCALE // 2
    size = int(random.integers(18, 34))
    left, top = (half * place + int(random.integers(0, half - size + 1)) for place in (corner % 2, corner // 2))
    right, bottom, thick = left + size, top + size, max(size // 5, 5)
    color = tuple(int(value) for value in random.integers(0, 150, 3))
    if name == "circle":
        pen.ellipse((left, top, right, bottom), fill=color)
    elif name == "square":
        pen.rectangle((left, top, right, bottom), fill=color)
    elif name == "triangle":
        pen.polygon(((left, bottom), (right, bottom), ((left + right) // 2, top)), fill=color)
    else:
        pen.line((left, top, right, bottom), fill=color, width=thick)
        pen.line((left, bottom, right, top), fill=color, width=thick)
