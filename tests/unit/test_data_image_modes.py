"""What becomes of pictures that are not plain RGB: pixel values, one kind of picture each."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from finetune.data.images import open_image

RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    opened = io.BytesIO()
    image.save(opened, form, **options)
    return opened.getvalue()


def pixels(content: bytes) -> list[tuple[int, ...]]:
    """The first row, pixel by pixel."""
    return [tuple(pixel) for pixel in np.asarray(open_image(content))[0].tolist()]


def raw_png(width: int, depth: int, kind: int, line: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of one line, written by hand where Pillow writes none (PNG specification, section 11)."""
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    body = b"".join(chunk(*item) for item in chunks) + chunk(b"IDAT", zlib.compress(b"\0" + line))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def test_one_bit_is_black_and_white():
    assert pixels(raw_png(8, 1, 0, bytes([0b10100000])))[:3] == [WHITE, BLACK, WHITE]


@pytest.mark.parametrize(("depth", "line", "expected"), [
    (2, bytes([0b00011011]), [0, 85, 170, 255]), (4, bytes([0x0F, 0x80]), [0, 255, 136, 0]),
    (16, struct.pack(">4H", 0, 257, 32896, 65535), [0, 1, 128, 255]),
])
def test_grey_of_every_depth_is_scaled_to_its_full_range(depth, line, expected):
    assert pixels(raw_png(4, depth, 0, line)) == [(value,) * 3 for value in expected]


def test_sixteen_bit_grey_of_a_tiff_in_either_byte_order_is_scaled():
    values = np.array([[0, 257, 65535]], dtype=np.uint16)
    for image in (Image.fromarray(values), Image.frombytes("I;16B", (3, 1), values.astype(">u2").tobytes())):
        assert pixels(encoded(image, "TIFF")) == [BLACK, (1, 1, 1), WHITE]


def test_dark_sixteen_bit_grey_stays_dark():
    """Scaled by the range of the format, not by what is in the picture: two pictures keep their relation."""
    values = np.array([[0, 2570]], dtype=np.uint16)
    assert pixels(encoded(Image.fromarray(values))) == [BLACK, (10, 10, 10)]


def test_sixteen_bit_colour_keeps_its_high_bytes():
    assert pixels(raw_png(1, 16, 2, struct.pack(">3H", 65535, 32896, 0))) == [(255, 128, 0)]


def test_sixteen_bit_grey_with_alpha_lies_on_white():
    assert pixels(raw_png(2, 16, 4, struct.pack(">4H", 0, 0, 0, 65535))) == [WHITE, BLACK]


def test_grey_with_alpha_is_mixed_with_white():
    half = Image.new("LA", (3, 1))
    half.putdata([(0, 255), (0, 51), (0, 0)])
    assert pixels(encoded(half)) == [BLACK, (204, 204, 204), WHITE]


def test_grey_with_one_transparent_value_lies_on_white():
    assert pixels(raw_png(2, 8, 0, bytes([0, 9]), (b"tRNS", struct.pack(">H", 9)))) == [BLACK, WHITE]


def test_palette_with_degrees_of_transparency_is_mixed_with_white():
    palette = (b"PLTE", bytes([255, 0, 0, 0, 0, 0, 0, 0, 255])), (b"tRNS", bytes([255, 51]))
    assert pixels(raw_png(3, 8, 3, bytes([0, 1, 2]), *palette)) == [RED, (204, 204, 204), (0, 0, 255)]


def test_palette_with_alpha_lies_on_white():
    image = Image.new("PA", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([(0, 255), (1, 0)])
    assert pixels(encoded(image.convert("RGBA"), "WEBP", lossless=True)) == [RED, WHITE]


@pytest.mark.parametrize(("ink", "expected"), [
    ((0, 255, 255, 0), RED), ((0, 0, 0, 0), WHITE), ((0, 0, 0, 255), BLACK), ((255, 0, 0, 0), (0, 255, 255)),
])
def test_cmyk_is_ink_also_where_adobe_inverts_it(ink, expected):
    image = Image.new("CMYK", (16, 16), ink)
    inverted = encoded(image, "JPEG", quality=95)
    assert b"Adobe" in inverted
    for content in (inverted, encoded(image, "TIFF")):
        assert np.abs(np.subtract(pixels(content)[8], expected)).max() <= 2


def test_first_frame_of_a_gif_with_a_transparent_colour_lies_on_white():
    first, second = Image.new("P", (2, 1)), Image.new("P", (2, 1), 1)
    for frame in (first, second):
        frame.putpalette([255, 0, 0, 0, 0, 255])
    first.putpixel((1, 0), 1)
    content = encoded(first, "GIF", save_all=True, append_images=[second], transparency=1, duration=50)
    assert Image.open(io.BytesIO(content)).n_frames == 2
    assert pixels(content) == [RED, WHITE]


def test_ycbcr_becomes_the_colour_it_is():
    image = Image.new("RGB", (16, 16), RED).convert("YCbCr")
    assert np.abs(np.subtract(pixels(encoded(image, "TIFF"))[0], RED)).max() <= 2
