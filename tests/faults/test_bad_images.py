"""Bad pictures, folders and archives: every message names the file or key and says what to do."""

from __future__ import annotations

import io
import os
import resource
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from finetune.clean import outliers
from finetune.data.images import MAX_PIXELS, check_images, open_image, read_bytes, read_image_folder
from finetune.errors import DataError
from tests.reading import read_table

KEY = "data.files.train"
ROLES = {"image": "image", "label": "label"}


def encoded(form: str, size: int = 64) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, form)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is large and holds almost nothing."""
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def folder_of(source: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    return source


def zip_of(file: Path, *members: str | zipfile.ZipInfo) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for member in members:
            archive.writestr(member, encoded("PNG", 2))
    return file


def folder_refusal(source: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_image_folder(source, key=KEY)
    return str(caught.value)


def picture_refusal(source: Path) -> str:
    """What is said of a folder to be measured, where unreadable pictures are not dropped."""
    with pytest.raises(DataError) as caught:
        check_images(read_image_folder(source, key=KEY)["train"], KEY)
    return str(caught.value)


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "empty file"),
    (b"these are words", "not an image"),
    (b"%PDF-1.7\n", "not an image"),
    (encoded("JPEG")[:-200], "truncated"),
    (encoded("PNG")[:-2000], "truncated"),
    (encoded("BMP")[:-100], "truncated"),
    (encoded("TIFF")[:-100], "truncated"),
    (encoded("PPM"), "not an image"),
    (png_header(10_000, 5_001), "too large: 10,000 x 5,001 pixels"),
    (png_header(60_000, 60_000), "too large"),
])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_unreadable_picture_is_named_with_the_reason(tmp_path, content, reason):
    file = tmp_path / "1.jpg"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        check_images(pa.table({"row": ["a.csv:2"], "image": [str(file)]}), KEY)
    assert f"{KEY}: 1 of 1 pictures cannot be read: a.csv:2 {file} ({reason}" in str(caught.value)
    assert "Replace them, or remove their rows." in str(caught.value)
    with pytest.raises(DataError, match=reason) as caught:
        open_image(str(file))
    assert str(caught.value).startswith(f"{file}: ")


def test_cut_gif_and_webp_are_refused(tmp_path):
    for form in ("GIF", "WEBP"):
        with pytest.raises(DataError, match=r"truncated|not an image|damaged"):
            open_image(encoded(form)[:-500])


def test_picture_of_exactly_the_allowed_size_is_not_too_large():
    with pytest.raises(DataError, match=r"truncated|damaged"):
        open_image(png_header(10_000, MAX_PIXELS // 10_000))


def test_pixels_of_32_bits_are_refused():
    stream = io.BytesIO()
    Image.fromarray(np.ones((2, 2), dtype=np.float32)).save(stream, "TIFF")
    with pytest.raises(DataError, match="pixels of mode F, save it with 8 or 16 bits a channel"):
        open_image(stream.getvalue())


def test_all_unreadable_pictures_are_counted_and_five_listed(tmp_path):
    files = {f"cat/{number}.png": b"" for number in range(7)} | {"dog/1.png": encoded("PNG")}
    message = picture_refusal(folder_of(tmp_path / "pets", files))
    assert message.startswith(f"{KEY}: 7 of 8 pictures cannot be read: cat/0.png (empty file), cat/1.png (empty file), ")
    assert "cat/4.png (empty file) and 2 more. Allowed are PNG, JPEG, BMP, GIF, WEBP, TIFF" in message


def test_file_that_is_no_picture_in_a_class_folder_is_named(tmp_path):
    message = picture_refusal(folder_of(tmp_path / "pets", {"cat/1.png": encoded("PNG"), "cat/notes.txt": b"words"}))
    assert "1 of 2 pictures cannot be read: cat/notes.txt (not an image)" in message


def test_unreadable_picture_of_a_table_is_named_by_row_and_file(tmp_path):
    (tmp_path / "1.png").write_bytes(b"")
    (tmp_path / "a.csv").write_text("image,label\n1.png,cat\n")
    with pytest.raises(DataError) as caught:
        check_images(read_table(tmp_path / "a.csv", columns={}, roles=ROLES, key=KEY), KEY)
    assert f"a.csv:2 {tmp_path}/1.png (empty file)" in str(caught.value)


def test_missing_pictures_of_a_table_are_listed_by_row(tmp_path):
    folder_of(tmp_path / "pictures", {"1.png": encoded("PNG")})
    (tmp_path / "a.csv").write_text("image,label\n1.png,cat\n2.png,cat\n,cat\n")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "a.csv", columns={}, roles=ROLES, key=KEY, images=tmp_path / "pictures")
    assert str(caught.value) == (
        f"{KEY}: 2 of 3 pictures are not in {tmp_path}/pictures: a.csv:3 '2.png', a.csv:4 ''. Add them, remove their rows,"
        " or name the right folder or zip with data.images=PATH."
    )


def test_missing_folder_of_pictures_is_named(tmp_path):
    (tmp_path / "pictures.zip").touch()
    (tmp_path / "a.csv").write_text("image,label\n1.png,cat\n")
    with pytest.raises(DataError, match=r"^data\.images: .*/picture\.zip does not exist\. Did you mean 'pictures\.zip'"):
        read_table(tmp_path / "a.csv", columns={}, roles=ROLES, key=KEY, images=tmp_path / "picture.zip")


@pytest.mark.parametrize("names", [
    ["cat.png", "dog.png"],
    ["cat/1.png", "dog/old/2.png"],
    ["cat/1.png", "readme.png"],
    ["train/1.png", "test/2.png"],
    ["train/1.png"],
    ["train/1.png", "eval/2.png"],
    ["train/1.png", "val/2.png", "trainannot/1.png"],
    ["train/cat/1.png", "extra/cat/2.png"],
    ["val/cat/1.png", "validation/cat/2.png"],
    ["a/cat/1.png", "b/cat/2.png"],
    ["a/b/c/d/e/f/1.png"],
])
def test_other_layouts_are_refused_with_the_tree_and_the_two_allowed(tmp_path, names):
    message = folder_refusal(folder_of(tmp_path / "pets", dict.fromkeys(names, b"x")))
    assert message.startswith(f"{KEY}: {tmp_path}/pets holds {len(names)} files, laid out as\n  ")
    for name in names:
        folder = "/".join(name.split("/")[:-1][:3]) or "."
        assert f"\n  {folder}/ (files: " in message
    assert "Allowed are CLASS/file, and SPLIT/CLASS/file with" in message
    assert "Move the pictures into such folders" in message


def test_tree_of_many_folders_is_cut_short(tmp_path):
    files = {f"{number:02}/deep/1.png": b"x" for number in range(12)}
    message = folder_refusal(folder_of(tmp_path / "pets", files))
    assert "\n  00/deep/ (files: 1, such as 1.png)" in message
    assert "\n  and 2 more folders\n" in message


def test_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    assert f"{KEY}: {tmp_path}/pets holds 0 files. Allowed are CLASS/file" in folder_refusal(tmp_path / "pets")


def test_source_that_is_neither_folder_nor_zip_is_refused(tmp_path):
    (tmp_path / "pets.rar").touch()
    assert "is neither a folder nor a .zip file" in folder_refusal(tmp_path / "pets.rar")
    assert "Did you mean 'pets.rar'?" in folder_refusal(tmp_path / "pets.zip")


def test_file_that_only_is_called_zip_is_refused(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"words")
    assert f"{KEY}: {tmp_path}/pets.zip is not a readable zip (" in folder_refusal(tmp_path / "pets.zip")


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize(("member", "reason"), [
    ("/etc/1.png", "absolute path"), ("C:\\cat\\1.png", "absolute path"), ("\\\\host\\1.png", "absolute path"),
    ("cat/../../1.png", "leads out of the archive"), ("cat\\..\\1.png", "leads out of the archive"),
    (link("cat/1.png"), "a link or device"),
])
def test_zip_members_that_lead_elsewhere_are_refused(tmp_path, member, reason):
    message = folder_refusal(zip_of(tmp_path / "pets.zip", "cat/2.png", member))
    assert f"{KEY}: pets.zip: 1 of 2 members are refused: " in message
    assert f"({reason}). Allowed are plain files inside it. Pack it without the others." in message


def test_encrypted_zip_member_is_refused(tmp_path):
    file = zip_of(tmp_path / "pets.zip", "cat/1.png")
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(content)
    assert "'cat/1.png' (encrypted)" in folder_refusal(file)


def test_damaged_zip_member_is_named(tmp_path):
    file = zip_of(tmp_path / "pets.zip", "cat/1.png", "dog/2.png")
    content = file.read_bytes()
    place = content.index(b"IDAT") + 6
    file.write_bytes(content[:place] + b"\xff\xff" + content[place + 2:])
    message = picture_refusal(file)
    assert "1 of 2 pictures cannot be read: cat/1.png (damaged: Bad CRC-32" in message


def test_picture_that_is_gone_is_named(tmp_path):
    file = zip_of(tmp_path / "pets.zip", "cat/1.png")
    for cell, reason in ((str(tmp_path / "no.png"), os.strerror(2)), (f"{file}::cat/2.png", "not in the archive")):
        with pytest.raises(DataError, match=reason) as caught:
            read_bytes(cell)
        assert str(caught.value).startswith(f"{cell}: ")


def packed_png(side: int) -> bytes:
    """A sound black-and-white PNG that is small on disk and large in memory."""
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    row = bytes(1 + side // 8)
    pixels = zlib.compress(row * side, 1)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
            + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


SMALL_AND_LARGE = {
    "PNG": packed_png(10_008),
    "GIF": b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0x80, 0, 0) + bytes(6) + b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0)
    + b"\x02\x02\x4c\x01\x00;",
    "BMP": b"BM" + struct.pack("<IHHI", 10**6, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 30_000, 30_000, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(100),
    "JPEG": b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, 65_000, 65_000, 3) + b"\x01\x11\x00\x02\x11\x01\x03\x11\x01" + b"\xff\xda" + bytes(20),
    "TIFF": b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 5) + b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in ((256, 50_000), (257, 50_000), (258, 8), (262, 1), (273, 8))) + bytes(4),
}


@pytest.mark.parametrize("form", SMALL_AND_LARGE)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bomb_is_refused_by_its_header_before_anything_is_decoded(form):
    content = SMALL_AND_LARGE[form]
    assert len(content) < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"^a picture: too large: "):
        open_image(content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


def test_picture_of_one_pixel_is_read_and_left_to_the_rule_on_outliers():
    stream = io.BytesIO()
    Image.new("RGB", (1, 1)).save(stream, "PNG")
    table = pa.table({"row": ["a:1"], "hash": ["h"], "image": pa.array([stream.getvalue()], pa.binary()), "label": ["a"]})
    assert open_image(stream.getvalue()).size == (1, 1)
    assert outliers.find(table, ROLES).rows == (0,)
