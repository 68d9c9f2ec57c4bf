"""The 1,797 handwritten digits (8 by 8 pixels, 16 grey levels) that come with scikit-learn."""

from __future__ import annotations

import hashlib
import io

from finetune.contracts import SplitRows


def rows() -> SplitRows:
    """All digits as PNG bytes, in scikit-learn's order; labels are 0 to 9."""
    import numpy as np
    import pyarrow as pa
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures: list[bytes] = []
    for grey in digits.images:
        opened = io.BytesIO()
        Image.fromarray((grey * 255 / 16).round().astype(np.uint8)).save(opened, format="PNG")
        pictures.append(opened.getvalue())
    table = pa.table({
        "row": [f"digits:{i}" for i in range(len(pictures))],
        "hash": [hashlib.sha256(picture).hexdigest() for picture in pictures],
        "image": pictures,
        "label": [str(target) for target in digits.target],
    })
    return SplitRows({"train": table}, source="sample", name="scikit-learn digits", license="bsd-3-clause")
