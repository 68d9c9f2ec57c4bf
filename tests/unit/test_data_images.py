"""Pictures out of files: pixels of every mode, folder shapes, tables of pictures."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from finetune.data.images import FORMATS, check_images, open_image, read_bytes, read_image_folder
from tests.reading import read_table

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def make(source: Path, *names: str) -> Path:
    """A folder or zip of small pictures, all different."""
    files = {name: encoded(Image.new("RGB", (3, 3), (10 * number, 0, 0))) for number, name in enumerate(names)}
    if source.suffix == ".zip":
        with zipfile.ZipFile(source, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return source
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    return source


@pytest.mark.parametrize("form", FORMATS)
def test_every_allowed_format_opens_as_rgb(tmp_path, form):
    options = {"lossless": True} if form == "WEBP" else {}
    file = tmp_path / "picture"
    file.write_bytes(encoded(Image.new("RGB", (8, 6), RED), form, **options))
    image = open_image(str(file))
    assert (image.mode, image.size) == ("RGB", (8, 6))
    assert np.abs(np.asarray(image).astype(int) - RED).max() <= 2
    assert open_image(file.read_bytes()).tobytes() == image.tobytes()


def test_first_frame_of_a_moving_picture_counts():
    frames = [Image.new("RGB", (4, 4), color) for color in (RED, WHITE)]
    for form in ("GIF", "WEBP", "TIFF"):
        content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert np.abs(np.asarray(open_image(content)).astype(int) - RED).max() <= 2


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_picture_is_turned_upright(form):
    upright = Image.new("RGB", (16, 32), WHITE)
    upright.paste(RED, (0, 0, 16, 16))
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"lossless": True} if form == "WEBP" else {}
    image = open_image(encoded(turned, form, exif=exif, **options))
    assert image.size == (16, 32)
    assert np.abs(np.subtract([image.getpixel((8, y)) for y in (4, 28)], [RED, WHITE])).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_agrees_with_pillow(orientation):
    from PIL import ImageOps

    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(pixels), "PNG", exif=exif)
    assert open_image(content).tobytes() == ImageOps.exif_transpose(Image.open(io.BytesIO(content))).tobytes()


def test_damaged_exif_does_not_cost_the_picture():
    content = encoded(Image.new("RGB", (4, 4), RED), "PNG", exif=b"Exif\0\0nonsense")
    assert open_image(content).getpixel((0, 0)) == RED


def test_sixteen_bit_grey_is_scaled_to_eight():
    values = np.array([[0, 128, 129, 257, 32896, 65535]], dtype=np.uint16)
    for form in ("PNG", "TIFF"):
        pixels = np.asarray(open_image(encoded(Image.fromarray(values), form)))
        assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]
        assert (pixels[..., 0] == pixels[..., 2]).all()


def test_transparent_pixels_are_white():
    half = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    half.putpixel((1, 0), (255, 0, 0, 0))
    assert [open_image(encoded(half)).getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    assert open_image(encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 51)))).getpixel((0, 0)) == (204, 204, 204)
    assert open_image(encoded(Image.new("LA", (1, 1), (0, 0)))).getpixel((0, 0)) == WHITE


def test_transparent_palette_colour_is_white():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    for form in ("GIF", "PNG"):
        content = encoded(image, form, transparency=1)
        assert [open_image(content).getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]


@pytest.mark.parametrize(("mode", "color", "form", "expected"), [
    ("L", 7, "PNG", (7, 7, 7)), ("1", 1, "PNG", WHITE), ("CMYK", (0, 255, 255, 0), "TIFF", RED),
    ("CMYK", (0, 255, 255, 0), "JPEG", RED), ("P", 0, "BMP", (0, 0, 0)),
])
def test_other_modes_become_rgb(mode, color, form, expected):
    found = open_image(encoded(Image.new(mode, (8, 8), color), form)).getpixel((4, 4))
    assert np.abs(np.subtract(found, expected)).max() <= 2


def test_check_passes_what_opens(tmp_path):
    make(tmp_path, "a/1.png")
    cells = [str(tmp_path / "a/1.png"), str(tmp_path / "a/1.png")]
    check_images(pa.table({"row": ["t.csv:2", "t.csv:3"], "image": cells}), "data.files.train")
    check_images(pa.table({"row": ["hub:0"], "image": [encoded(Image.new("RGB", (64, 64)), "JPEG")]}), "data.source")


@pytest.mark.parametrize("source", ["pets", "pets.zip"])
@pytest.mark.parametrize("wrap", ["", "pets-1.0/"])
def test_class_folders_are_training_rows(tmp_path, source, wrap):
    source = make(tmp_path / source, f"{wrap}dog/2.png", f"{wrap}cat/1.png", f"{wrap}cat/.hidden.png")
    splits = read_image_folder(source, key="data.files.train")
    table = splits["train"].to_pydict()
    assert list(splits) == ["train"]
    assert list(table) == ["row", "hash", "image", "label"]
    assert table["row"] == [f"{wrap}cat/1.png", f"{wrap}dog/2.png"]
    assert table["label"] == ["cat", "dog"]
    assert table["hash"] == [hashlib.sha256(read_bytes(cell)).hexdigest() for cell in table["image"]]
    assert open_image(table["image"][1]).getpixel((0, 0)) == (0, 0, 0)


@pytest.mark.parametrize("source", ["pets", "pets.zip"])
@pytest.mark.parametrize("wrap", ["", "pets/"])
@pytest.mark.parametrize("names", [("train", "validation", "test"), ("training", "dev", "testing"),
                                   ("Train", "val", "TEST"), ("train", "valid", "test")])
def test_split_folders_are_splits(tmp_path, source, wrap, names):
    files = [f"{wrap}{split}/{label}/{split}-{label}.png" for split in names for label in ("cat", "dog")]
    splits = read_image_folder(make(tmp_path / source, *files), key="k")
    assert list(splits) == ["train", "validation", "test"]
    for name, table in zip(names, splits.values(), strict=True):
        assert table["row"].to_pylist() == [f"{wrap}{name}/{label}/{name}-{label}.png" for label in ("cat", "dog")]
        assert table["label"].to_pylist() == ["cat", "dog"]


def test_a_class_may_be_called_like_a_split(tmp_path):
    table = read_image_folder(make(tmp_path / "x", "train/1.png", "bus/2.png"), key="k")["train"]
    assert table["label"].to_pylist() == ["bus", "train"]


def test_one_split_alone_is_that_split(tmp_path):
    assert list(read_image_folder(make(tmp_path / "x", "test/cat/1.png", "test/dog/2.png"), key="k")) == ["test"]


@pytest.mark.parametrize("source", ["pictures", "pictures.zip"])
@pytest.mark.parametrize("wrap", ["", "top/"])
def test_table_finds_its_pictures_in_a_folder_or_zip(tmp_path, source, wrap):
    images = make(tmp_path / source, f"{wrap}a/1.png", f"{wrap}a/2.png")
    (tmp_path / "labels.csv").write_text(f"image,label\n{'' if source.endswith('zip') else wrap}a\\2.png,x\n")
    roles = {"image": "image", "label": "label"}
    table = read_table(tmp_path / "labels.csv", columns={}, roles=roles, key="k", images=images).to_pydict()
    assert table["row"] == ["labels.csv:2"]
    assert open_image(table["image"][0]).getpixel((0, 0)) == (10, 0, 0)
