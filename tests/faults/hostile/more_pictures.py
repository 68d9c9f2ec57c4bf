"""Pictures of JPEG, GIF, BMP, TIFF and WebP with damage of their own, rare modes of colour, EXIF, and odd sizes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tests.faults.hostile.case import Case, Dropped, Read, photo, picture
from tests.faults.hostile.picture_bytes import (
    blank_png,
    exif,
    many_scans,
    segment,
    tiff,
    with_segment,
    without,
)


def cases() -> list[Case]:
    """All of them."""
    return [*jpegs(), *gifs(), *bitmaps(), *tiffs(), *webps(), *modes(), *turned(), *odd_sizes(), *blanks()]


def frames(count: int) -> list[Image.Image]:
    """Pictures of one colour, no two alike."""
    return [Image.new("RGB", (48, 40), (number % 256, number // 256, 99)) for number in range(count)]


def jpegs() -> list[Case]:
    """Segments that are missing, doubled or wrong, and what hides beside the pixels."""
    sound, slow = picture(11, "JPEG"), picture(11, "JPEG", progressive=True)
    scan = sound.index(b"\xff\xda")
    wide = picture(11, "JPEG", progressive=True, size=(3000, 3000))
    return [
        photo("JPEG without an end", sound[:-2], Dropped("truncated")), photo("JPEG without tables of codes", without(sound, 0xC4), Read()),
        photo("JPEG without tables of steps", without(sound, 0xDB), Dropped("")), photo("JPEG without a frame", without(sound, 0xC0), Dropped("")),
        photo("JPEG without a scan", sound[:scan] + b"\xff\xd9", Dropped("")), photo("JPEG without a start", sound[2:], Dropped("not an image")),
        photo("JPEG with zeros for pixels", sound[:scan + 14] + bytes(999) + b"\xff\xd9", Read()),
        photo("JPEG with noise for pixels", sound[:scan + 14] + np.random.default_rng(1).bytes(2000) + b"\xff\xd9", Read()),
        photo("JPEG followed by a page", sound + b"<script>alert(1)</script>", Read()),
        photo("JPEG followed by a zip", sound + b"PK\3\4" + bytes(60), Read()),
        photo("JPEG with a comment of 64 KiB", with_segment(sound, segment(0xFE, b"a" * 65_000)), Read()),
        photo("JPEG with 500 comments", with_segment(sound, *[segment(0xFE, b"a" * 65_000)] * 100), Read()),
        photo("JPEG with a segment that lies", with_segment(sound, b"\xff\xfe\xff\xff"), Dropped("")),
        photo("JPEG of 12 bits", sound.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), Dropped("")),
        photo("JPEG of arithmetic codes", sound.replace(b"\xff\xc0", b"\xff\xc9", 1), Read()),
        photo("JPEG without loss", sound.replace(b"\xff\xc0", b"\xff\xc3", 1), Dropped("")),
        photo("progressive JPEG", slow, Read()),
        photo("progressive JPEG of 3,000 scans", many_scans(wide, 3000), Dropped("scans")),
        photo("JPEG of five colours", sound.replace(b"\x03\x01\x22\x00", b"\x05\x01\x22\x00", 1), Dropped("")),
        photo("JPEG with half of an ICC profile", with_segment(sound, segment(0xE2, b"ICC_PROFILE\0\1\2" + bytes(99))), Read()),
        photo("JPEG with a broken Adobe mark", with_segment(sound, segment(0xEE, b"Adobe\0\1")), Read()),
        photo("JPEG with a broken JFIF mark", with_segment(sound, segment(0xE0, b"JFIF\0")), Dropped("not an image")),
    ]


def gifs() -> list[Case]:
    """Moving pictures, of which the first frame counts, and damage."""
    sound, opened = picture(12, "GIF"), io.BytesIO()
    first, *rest = frames(600)
    first.save(opened, "GIF", save_all=True, append_images=rest)
    tiny = Image.new("P", (1, 1))
    place = sound.index(b",", 13 + 3 * 256)
    return [
        photo("GIF of 600 frames", opened.getvalue(), Read(), "hostile.gif"),
        photo("GIF without an end", sound[:-1], Read(), "hostile.gif"),
        photo("GIF of version 00a", b"GIF00a" + sound[6:], Dropped("not an image"), "hostile.gif"),
        photo("GIF with a frame outside", sound[:place + 1] + struct.pack("<HH", 900, 900) + sound[place + 5:], Read(), "hostile.gif"),
        photo("GIF with codes of 13 bits", sound[:place + 10] + b"\x0d" + sound[place + 11:], Dropped(""), "hostile.gif"),
        photo("GIF with no frame", sound[:place] + b";", Dropped(""), "hostile.gif"),
        photo("GIF with 20,000 comments", sound[:place] + b"!\xfe\x01a\0" * 20_000 + sound[place:], Read(), "hostile.gif"),
        photo("GIF of one pixel", saved(tiny, "GIF"), Read(), "hostile.gif"),
    ]


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    """An image, encoded."""
    opened = io.BytesIO()
    image.save(opened, form, **options)
    return opened.getvalue()


def bitmaps() -> list[Case]:
    """BMP with heads that lie."""
    sound = picture(13, "BMP")

    def put(place: int, content: bytes) -> bytes:
        return sound[:place] + content + sound[place + len(content):]

    return [
        photo("BMP that begins beyond its end", put(10, struct.pack("<I", 2**31)), Dropped(""), "hostile.bmp"),
        photo("BMP of 7 bits", put(28, b"\7\0"), Dropped(""), "hostile.bmp"),
        photo("BMP of unknown packing", put(30, b"\x63\0\0\0"), Dropped(""), "hostile.bmp"),
        photo("BMP of 2^31 colours", put(28, b"\x08\0" + put(46, struct.pack("<I", 2**31))[30:50]), Dropped(""), "hostile.bmp"),
        photo("BMP with a head of 13 bytes", put(14, b"\x0d\0\0\0"), Dropped(""), "hostile.bmp"),
        photo("BMP upside down", put(22, struct.pack("<i", -40)), Read(), "hostile.bmp"),
        photo("BMP that says it is shorter", put(2, struct.pack("<I", 9)), Read(), "hostile.bmp"),
        photo("BMP packed by runs that never end", put(28, b"\x08\0\x01\0\0\0"), Dropped(""), "hostile.bmp"),
    ]


def tiffs() -> list[Case]:
    """TIFF: tags that lie, and folders that lead in circles."""
    size = ((256, 4, 1, 48), (257, 4, 1, 40), (258, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1), (278, 4, 1, 40))
    begin = 8 + 2 + 12 * 9 + 4
    packed = zlib.compress(bytes(2**26), 9)
    large = ((256, 4, 1, 8000), (257, 4, 1, 8000), (258, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1), (278, 4, 1, 8000))
    plain = ((259, 3, 1, 1), (273, 4, 1, begin), (279, 4, 1, 1920))
    circle = tiff(*size, *plain, data=bytes(1920), following=8)
    return [
        photo("TIFF whose folder follows itself", circle, Read(), "hostile.tif"),
        photo("TIFF of no tags", tiff(), Dropped(""), "hostile.tif"),
        photo("TIFF whose pixels lie beyond its end", tiff(*size, (259, 3, 1, 1), (273, 4, 1, 2**31), (279, 4, 1, 1920)), Dropped(""), "hostile.tif"),
        photo("TIFF with a tag of 2^32 - 1 values", tiff(*size, *plain[:2], (279, 4, 2**32 - 1, 8), data=bytes(1920)), Read(), "hostile.tif"),
        photo("TIFF of unknown packing", tiff(*size, (259, 3, 1, 999), *plain[1:], data=bytes(1920)), Dropped(""), "hostile.tif"),
        photo("TIFF with a strip that is a bomb", tiff(*size, (259, 3, 1, 8), (273, 4, 1, begin), (279, 4, 1, len(packed)), data=packed), Read(), "hostile.tif"),
        photo("TIFF of 64 million pixels in 64 KiB", tiff(*large, (259, 3, 1, 8), (273, 4, 1, begin), (279, 4, 1, len(packed)), data=packed), Dropped("too large"), "hostile.tif"),
        photo("TIFF of the large kind, cut", b"II+\0\x08\0\0\0" + bytes(8), Dropped(""), "hostile.tif"),
        photo("TIFF whose folder lies beyond its end", b"II*\0" + struct.pack("<I", 2**31), Dropped(""), "hostile.tif"),
        photo("TIFF of 20 frames", saved(frames(1)[0], "TIFF", save_all=True, append_images=frames(20)), Read(), "hostile.tif"),
        photo("TIFF of floats", saved(Image.new("F", (40, 40)), "TIFF"), Dropped("pixels of mode F"), "hostile.tif"),
        photo("TIFF of 32 bits", saved(Image.new("I", (40, 40)), "TIFF"), Dropped("pixels of mode I"), "hostile.tif"),
        photo("TIFF of Lab colours", saved(Image.new("LAB", (40, 40)), "TIFF"), Dropped("pixels of mode LAB"), "hostile.tif"),
    ]


def webps() -> list[Case]:
    """WebP: containers that lie, and many frames."""
    sound = picture(14, "WEBP")
    first, *rest = frames(200)
    moving = saved(first, "WEBP", save_all=True, append_images=rest)
    return [
        photo("WebP of 200 frames", moving, Read(), "hostile.webp"),
        photo("WebP that says it is 4 GiB", sound[:4] + b"\xff\xff\xff\xff" + sound[8:], Dropped(""), "hostile.webp"),
        photo("WebP that says it is empty", sound[:4] + bytes(4) + sound[8:], Dropped(""), "hostile.webp"),
        photo("WebP of an unknown kind", sound[:12] + b"VP9 " + sound[16:], Dropped(""), "hostile.webp"),
        photo("WebP without loss, cut", picture(14, "WEBP", lossless=True)[:-40], Dropped(""), "hostile.webp"),
        photo("WebP with noise for pixels", sound[:40] + np.random.default_rng(2).bytes(len(sound) - 40), Dropped("damaged"), "hostile.webp"),
    ]


def modes() -> list[Case]:
    """Sound pictures of every mode of colour."""
    wanted = {("PNG", mode) for mode in ("1", "L", "LA", "P", "RGBA", "I;16")}
    wanted |= {("JPEG", mode) for mode in ("L", "CMYK", "YCbCr")}
    wanted |= {("TIFF", mode) for mode in ("1", "L", "CMYK", "YCbCr", "RGBA")} | {("GIF", "L"), ("WEBP", "RGBA")}
    found = [photo(f"{form} of mode {mode}", picture(15, form, mode=mode), Read()) for form, mode in sorted(wanted - {("PNG", "I;16")})]
    deep = Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40) * 40)
    clear = picture(15, "PNG", mode="P", transparency=0)
    return [*found, photo("PNG of 16 bits", saved(deep, "PNG"), Read()), photo("TIFF of 16 bits", saved(deep, "TIFF"), Read()),
            photo("PNG of 16 bits a channel", blank_png(48, 40, depth=16), Read()), photo("PNG with a clear colour", clear, Read())]


def turned() -> list[Case]:
    """EXIF that turns, and EXIF that is damaged: no reason to refuse a picture."""
    sound = picture(16, "JPEG")
    kinds = {f"turned by EXIF {number}": exif(number) for number in range(10)}
    loop = b"Exif\0\0" + tiff((0x8769, 4, 1, 8), following=8)
    kinds |= {"of text in EXIF": exif(6, kind=2), "of noise in EXIF": b"Exif\0\0" + np.random.default_rng(3).bytes(500),
              "of EXIF cut off": exif(6)[:20], "of EXIF that is a circle": loop, "of no EXIF at all": b"Exif\0\0",
              "of EXIF of 2^32 - 1 values": b"Exif\0\0" + tiff((0x0112, 3, 2**32 - 1, 6)),
              "of EXIF of 64 KiB": exif(1) + bytes(65_000), "of XMP that laughs": b"http://ns.adobe.com/xap/1.0/\0" + LAUGHS}
    return [photo(f"JPEG {name}", with_segment(sound, segment(0xE1, content)), Read()) for name, content in kinds.items()]


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'


def odd_sizes() -> list[Case]:
    """One pixel, one line, one column."""
    return [photo(f"PNG of {width:,} x {height:,}", blank_png(width, height), Read())
            for width, height in ((1, 1), (1, 10_000), (10_000, 1), (60_000, 2), (2, 60_000))]


def blanks() -> list[Case]:
    """The most pixels that are allowed, in a file of some hundred KiB: dear to decode, but not refused."""
    kinds = {"grey": {"color": 0}, "RGB": {"color": 2}, "RGBA": {"color": 6}, "palette": {"color": 3},
             "one bit": {"color": 0, "depth": 1}, "16 bits": {"color": 0, "depth": 16}}
    return [photo(f"PNG of 49 million pixels, {name}", lambda file, options=options: file.write_bytes(blank_png(7000, 7000, **options)),
                  Read(), "hostile.png") for name, options in kinds.items()]
