"""Pictures that are cut off, damaged, disguised, or not what their header says."""

from __future__ import annotations

import struct
import zlib

from tests.faults.hostile.case import Case, Dropped, Read, photo, picture
from tests.faults.hostile.more_pictures import frames as more_frames
from tests.faults.hostile.picture_bytes import PNG, chunk, inserted, png

SUFFIXES = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp", "BMP": "bmp", "TIFF": "tif"}


def cases() -> list[Case]:
    """All of them."""
    return [*cut_off(), *renamed(), *disguised(), *headers(), *chunks()]


def cut_off() -> list[Case]:
    """Every format, cut at a share of its bytes."""
    found = []
    for form, suffix in SUFFIXES.items():
        whole = picture(3, form)
        for share in (1, 4, 10, 25, 50, 75, 90, 97):
            reason = REASONS_CUT.get((form, share), "truncated")
            cut = whole[:len(whole) * share // 100]
            found.append(photo(f"{form} cut to {share} %", cut, Dropped(reason), f"hostile.{suffix}"))
        found += [photo(f"{form} of no bytes", b"", Dropped("empty file"), f"hostile.{suffix}"),
                  photo(f"{form} of zeros", bytes(len(whole)), Dropped("not an image"), f"hostile.{suffix}")]
    return found


REASONS_CUT = {
    ("PNG", 1): "not an image", ("WEBP", 1): "not an image", ("TIFF", 1): "not an image",
    **{("GIF", share): "not an image" for share in (1, 4, 10, 25)},  # nothing but its palette
    **{("WEBP", share): "damaged" for share in (4, 10, 25, 50, 75, 90, 97)},
}


def renamed() -> list[Case]:
    """Sound pictures under the suffix of another format."""
    others = dict(zip(SUFFIXES, (*list(SUFFIXES.values())[1:], "png"), strict=True))
    return [photo(f"{form} called .{suffix}", picture(4, form), Read(), f"hostile.{suffix}")
            for form, suffix in others.items()]


def disguised() -> list[Case]:
    """What is no picture, or one of a format that is not read, called .jpg."""
    return [photo(f"{name} called .jpg", content, Dropped("not an image")) for name, content in DISGUISED.items()]


LAUGHS = (b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "ha">' + b"".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">'.encode() for i in range(9)) + b"]><svg>&j;</svg>")
DISGUISED = {
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
    "SVG that laughs": LAUGHS, "HTML": b"<!doctype html><title>404</title><p>Not found", "PDF": b"%PDF-1.7\n1 0 obj\n",
    "ICO": picture(5, "ICO", size=(32, 32)), "PPM": picture(5, "PPM"), "EPS": picture(5, "EPS"),
    "TGA": picture(5, "TGA"), "JPEG 2000": picture(5, "JPEG2000"), "PCX": picture(5, "PCX"), "SGI": picture(5, "SGI"),
    "DDS": picture(5, "DDS"), "ICNS": picture(5, "ICNS", size=(32, 32)), "AVIF": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "film": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2",
    "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 8, 8, 8, 3) + bytes(12),
    "FITS": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800), "WMF": b"\xd7\xcd\xc6\x9a" + bytes(60),
    "zip": b"PK\3\4" + bytes(60), "gzip": b"\x1f\x8b\x08" + bytes(60), "program": b"\x7fELF\2\1\1" + bytes(60),
    "script": b"#!/bin/sh\nrm -rf /\n", "data base": b"SQLite format 3\0" + bytes(84), "sound": b"RIFF\x24\0\0\0WAVEfmt ",
    "JSON": b'{"error": "not found"}', "table": b"text,label\na,b\n", "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\n",
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(60), "font": b"OTTO" + bytes(60), "X bitmap": b"#define a_width 8\n#define a_height 8\n",
}


def headers() -> list[Case]:
    """Sizes that no memory holds, or that no picture has."""
    large = Dropped("too large")
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6) + b"," + struct.pack(
        "<HHHHB", 0, 0, 65535, 65535, 0) + b"\x08\x01\0\0;"
    jpeg = picture(6, "JPEG")
    sof = jpeg.index(b"\xff\xc0") + 5
    bmp = picture(6, "BMP")
    tiff = picture(6, "TIFF")
    webp = b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + (16382).to_bytes(
        3, "little") * 2 + b"VP8 " + bytes(4)

    def sized(raw: bytes, place: int, size: bytes) -> bytes:
        return raw[:place] + size + raw[place + len(size):]

    def tiff_sized(width: int) -> bytes:
        place = struct.unpack_from("<I", tiff, 4)[0] + 2 + 8
        assert struct.unpack_from("<HHI", tiff, place - 8) == (256, 4, 1) or struct.unpack_from("<H", tiff, place - 8)[0] == 256
        return sized(tiff, place, struct.pack("<I", width))

    return [
        photo("PNG of 100,000 x 100,000", png(100_000, 100_000), large),
        photo("PNG of 2^31 - 1 squared", png(2**31 - 1, 2**31 - 1), large),
        photo("PNG of one row of 2^31 - 1", png(2**31 - 1, 1), large), photo("PNG of no width", png(0, 9), Dropped("")),
        photo("PNG of no height", png(9, 0), Dropped("")), photo("GIF of 65,535 squared", gif, large),
        photo("JPEG of 65,500 squared", sized(jpeg, sof, struct.pack(">HH", 65500, 65500)), large),
        photo("JPEG of no height", sized(jpeg, sof, struct.pack(">HH", 0, 9)), Dropped("")),
        photo("BMP of 100,000 squared", sized(bmp, 18, struct.pack("<ii", 100_000, 100_000)), large),
        photo("BMP of negative width", sized(bmp, 18, struct.pack("<ii", -9, 9)), Dropped("")),
        photo("BMP of the lowest height", sized(bmp, 18, struct.pack("<ii", 9, -2**31)), large),
        photo("TIFF of 2^31 wide", tiff_sized(2**31), large), photo("WebP of 16,383 squared", webp, Dropped("")),
    ]


def chunks() -> list[Case]:
    """PNG: bombs in what stands beside the pixels, and chunks that lie."""
    bomb, text = zlib.compress(bytes(2**26), 9), b"Comment\0\0"
    sound = picture(7)
    pixels = zlib.compress(bytes((3 * 9 + 1) * 9))
    return [
        photo("PNG with a zTXt bomb", inserted(sound, chunk(b"zTXt", text + bomb)), Dropped("")),
        photo("PNG with an iTXt bomb", inserted(sound, chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb)), Dropped("")),
        photo("PNG with an iCCP bomb", inserted(sound, chunk(b"iCCP", b"icc\0\0" + bomb)), Dropped("")),
        photo("PNG with 5,000 comments", inserted(sound, chunk(b"tEXt", b"a\0" + b"b" * 9) * 5000), Read()),
        photo("PNG with 100 zTXt chunks of 1 MiB", inserted(sound, chunk(b"zTXt", text + zlib.compress(bytes(2**20))) * 100), Dropped("")),
        photo("PNG with pixels beyond its size", png(9, 9, zlib.compress(bytes(2**24))), Read()),
        photo("PNG with a wrong sum over pixels", sound.replace(b"IDAT", b"IDAT", 1)[:-20] + bytes(8) + sound[-12:], Dropped("")),
        photo("PNG with a wrong sum over its header", sound[:29] + b"abcd" + sound[33:], Dropped("")),
        photo("PNG without pixels", PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)) + chunk(b"IEND", b""), Dropped("")),
        photo("PNG without an end", sound[:-12], Read()),
        photo("PNG without its palette", png(9, 9, zlib.compress(bytes(90)), color=3), Dropped("damaged")),
        photo("PNG with two headers", inserted(sound, sound[8:33]), Read()),
        photo("PNG with an unknown chunk that matters", inserted(sound, chunk(b"ABCD", b"x")), Read()),
        photo("PNG with a chunk of 2 GiB", inserted(sound, struct.pack(">I", 2**31 - 1) + b"tEXt"), Dropped("")),
        photo("PNG with an unknown filter", png(9, 9, zlib.compress(b"\x09" * 252)), Dropped("")),
        photo("PNG of 3 bits", png(9, 9, pixels, depth=3), Dropped("")), photo("PNG of colour type 7", png(9, 9, pixels, color=7), Dropped("")),
        photo("PNG of interlace 9", png(9, 9, pixels, interlace=9), Dropped("truncated")),
        photo("PNG that promises 2^31 frames", inserted(sound, chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))), Read()),
        photo("PNG of 200 frames", picture(7, "PNG", save_all=True, append_images=more_frames(199)), Read()),
        photo("PNG behind a comment of zeros", bytes(64) + sound, Dropped("not an image")),
        photo("PNG with line ends of Windows", sound.replace(b"\n", b"\r\n"), Dropped("not an image")),
        photo("PNG decoded as UTF-8", sound.decode("utf-8", "replace").encode(), Dropped("not an image")),
        photo("PNG followed by a zip", sound + b"PK\3\4" + bytes(60), Read()),
    ]
