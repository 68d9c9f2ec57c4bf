"""Pieces of encoded pictures, and what puts wrong ones together."""

from __future__ import annotations

import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG with its sum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, pixels: bytes = b"", *, depth: int = 8, color: int = 2, interlace: int = 0) -> bytes:
    """A PNG of this header and these packed pixels."""
    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, depth, color, 0, 0, interlace)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", pixels or zlib.compress(b"")) + chunk(b"IEND", b"")


def blank_png(width: int, height: int, *, color: int = 2, depth: int = 8) -> bytes:
    """A PNG of zeros, packed without ever being whole in memory."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    line = bytes(1 + (width * channels * depth + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    raw = png(width, height, packed, depth=depth, color=color)
    return inserted(raw, chunk(b"PLTE", bytes(768))) if color == 3 else raw


def inserted(raw: bytes, between: bytes) -> bytes:
    """A PNG with more after its header."""
    return raw[:33] + between + raw[33:]


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(raw: bytes, *segments: bytes) -> bytes:
    """A JPEG with more after its start."""
    return raw[:2] + b"".join(segments) + raw[2:]


def without(raw: bytes, marker: int) -> bytes:
    """A JPEG without its segments of one kind."""
    while (place := raw.find(bytes((0xFF, marker)))) >= 0:
        (length,) = struct.unpack_from(">H", raw, place + 2)
        raw = raw[:place] + raw[place + 2 + length:]
    return raw


def many_scans(raw: bytes, count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: little to store, each a pass over all pixels."""
    last = raw.rindex(b"\xff\xda")
    return raw[:last] + raw[last:-2] * count + raw[-2:]


def tiff(*tags: tuple[int, int, int, int], data: bytes = b"", following: int = 0) -> bytes:
    """A little-endian TIFF of one folder of tags (number, type, count, value), which `data` follows."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + data


def exif(orientation: int, *, kind: int = 3) -> bytes:
    """EXIF that says how the camera was held."""
    return b"Exif\0\0" + tiff((0x0112, kind, 1, orientation))
