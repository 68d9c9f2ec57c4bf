"""idx, the format of MNIST and its family: a file of grey pictures and, beside it, a file of labels."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.header import require
from finetune.data.records import Records, no_rows
from finetune.data.table_file import TableFile
from finetune.errors import DataError

if TYPE_CHECKING:
    from finetune.contracts import Array
    from finetune.data.table_file import Wanted

_BYTES = 0x08  # http://yann.lecun.com/exdb/mnist: two zeros, the type, the number of dimensions, their sizes


def records(file: TableFile, wanted: Wanted) -> Records:
    """Columns `image` (PNG, grey) and `label`, numbered from 0 as lists of this family's label errors do.

    Raises DataError where the labels are not beside the pictures, or are not as many.
    """
    import pyarrow as pa

    if not re.search("images.idx3", file.name, re.IGNORECASE):
        raise DataError(file.key, f"{file.name} is not the file with the pictures, which has a name like "
                                  "train-images-idx3-ubyte; the labels beside it are found by name. Name that file.")
    require(("image", "label"), file=file, wanted=wanted)
    beside = _labels_of(file)
    pictures, labels = _array(file, dimensions=3), _array(beside, dimensions=1)
    if len(pictures) != len(labels):
        raise DataError(file.key, f"{file.name} holds {len(pictures):,} pictures, but {beside.name} {len(labels):,} "
                                  "labels. They must be as many: copy both files again.")
    if not len(pictures):
        raise no_rows("has no rows", file)

    def column(name: str) -> Any:
        if name == "label":
            return pa.array(labels.astype(str).tolist(), pa.string())
        return pa.array(map(_png, pictures), pa.binary())

    return Records(range(len(pictures)), ("image", "label"), column)


def _labels_of(file: TableFile) -> TableFile:
    name = re.sub("images(.)idx3", r"labels\1idx1", file.name, flags=re.IGNORECASE)
    plain = name.removesuffix(".gz")
    for candidate in (name, plain, f"{plain}.gz"):
        if (Path(file.locator).parent / candidate).is_file():
            return TableFile.at(Path(file.locator).parent / candidate, file.key)
    raise DataError(file.key, f"{plain} (or {plain}.gz), which holds the labels of {file.name}, is not beside it in "
                              f"{Path(file.locator).absolute().parent}. Put it there.")


def _array(file: TableFile, *, dimensions: int) -> Array:
    """The bytes of an idx file in the shape that its head gives."""
    import numpy as np

    raw = file.read()
    head = 4 + 4 * dimensions
    if len(raw) < head or raw[:4] != bytes((0, 0, _BYTES, dimensions)):
        raise DataError(file.key, f"{file.name} is not an idx file of bytes in {dimensions} dimensions: it begins with "
                                  f"{raw[:4].hex(' ') or 'nothing'}. Copy it again.")
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", dimensions, 4))
    expected = head + math.prod(shape)
    if len(raw) != expected:
        raise DataError(file.key, f"{file.name} has {len(raw):,} bytes, but its head ({' x '.join(map(str, shape))}) "
                                  f"promises {expected:,}; it is damaged or cut off. Copy it again.")
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)


def _png(grey: Array) -> bytes:
    from PIL import Image

    opened = io.BytesIO()
    Image.fromarray(grey).save(opened, "PNG", compress_level=1)
    return opened.getvalue()
