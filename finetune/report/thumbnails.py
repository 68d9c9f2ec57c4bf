"""Small pictures out of the files of a run."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def square(uri: str) -> Image | None:
    """A data URI as a picture in the middle of a white square, None where it cannot be read."""
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")
    except (ValueError, OSError):
        return None
    side = max(picture.size)  # squares of one size keep the words beside them in line
    found = Image.new("RGB", (side, side), "white")
    found.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return found
