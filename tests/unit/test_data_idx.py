"""The MNIST family: pictures and labels out of idx files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from finetune.data.images import open_image
from finetune.errors import DataError, SpecError
from tests.reading import read_table

ROLES = {"image": "image", "label": "label"}
PICTURES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([7, 0, 7], dtype=np.uint8)


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def write(file: Path, content: bytes) -> Path:
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def refusal(file: Path, kind: type[Exception] = DataError) -> str:
    with pytest.raises(kind) as caught:
        read_table(file, columns={}, roles=ROLES, key="data.files.train")
    return str(caught.value)


@pytest.mark.parametrize(("images", "labels"), [
    ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"), ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"), ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
])
def test_pictures_and_the_labels_beside_them_are_read(tmp_path, images, labels):
    write(tmp_path / labels, idx(LABELS))
    table = read_table(write(tmp_path / images, idx(PICTURES)), columns={}, roles=ROLES, key="k").to_pydict()
    assert table["row"] == [f"{images}:0", f"{images}:1", f"{images}:2"]
    assert table["label"] == ["7", "0", "7"]
    for grey, cell in zip(PICTURES, table["image"], strict=True):
        assert (np.asarray(open_image(cell)) == grey[..., None]).all()


def test_missing_labels_are_named(tmp_path):
    message = refusal(write(tmp_path / "train-images-idx3-ubyte.gz", idx(PICTURES)))
    assert ("train-labels-idx1-ubyte (or train-labels-idx1-ubyte.gz), which holds the labels of train-images-idx3-ubyte.gz, is "
            f"not beside it in {tmp_path}. Put it there.") in message


def test_other_number_of_labels_is_refused(tmp_path):
    write(tmp_path / "a-labels-idx1-ubyte", idx(LABELS[:2]))
    message = refusal(write(tmp_path / "a-images-idx3-ubyte", idx(PICTURES)))
    assert "a-images-idx3-ubyte holds 3 pictures, but a-labels-idx1-ubyte 2 labels." in message


def test_labels_in_place_of_pictures_are_told_apart(tmp_path):
    assert "is not the file with the pictures" in refusal(write(tmp_path / "a-labels-idx1-ubyte", idx(LABELS)))


@pytest.mark.parametrize(("content", "found"), [
    (idx(PICTURES)[:-1], "has 75 bytes, but its head (3 x 4 x 5) promises 76; it is damaged or cut off"),
    (idx(PICTURES) + b"x", "has 77 bytes"),
    (struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "promises 79,228,162,458,924,105,385,300,197,391"),
    (idx(PICTURES.astype(">f4")), "has 256 bytes"),
    (b"\x89PNG\r\n\x1a\n" * 4, "is not an idx file of bytes in 3 dimensions: it begins with 89 50 4e 47"),
    (b"", "begins with nothing"),
])
def test_damaged_head_or_body_is_refused(tmp_path, content, found):
    write(tmp_path / "a-labels-idx1-ubyte", idx(LABELS))
    assert found in refusal(write(tmp_path / "a-images-idx3-ubyte", content))


def test_other_column_names_are_refused(tmp_path):
    write(tmp_path / "a-labels-idx1-ubyte", idx(LABELS))
    file = write(tmp_path / "a-images-idx3-ubyte", idx(PICTURES))
    with pytest.raises(SpecError, match="has no column 'digit'. Columns: image, label"):
        read_table(file, columns={"label": "digit"}, roles=ROLES, key="k")
