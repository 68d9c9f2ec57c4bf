"""The text of a file as it is read: UTF-8 that is decoded piece by piece, so that it need not fit into memory."""

from __future__ import annotations

import codecs
import io
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import pyarrow as pa

_PIECE = 2**24  # bytes
_UNEVEN = re.compile(rb"\r(?!\n)|\n\r?\n")


@dataclass(frozen=True, slots=True)
class Text:
    """Bytes that are UTF-8, or shall be, from where the text begins: behind a byte order mark."""

    raw: bytes | mmap.mmap
    start: int = 0

    @property
    def is_utf8(self) -> bool:
        """Whether all of it can be decoded."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for piece in self._pieces(len(self.raw)):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return True

    def holds(self, mark: bytes) -> bool:
        """Whether these bytes stand somewhere in it."""
        return self.raw.find(mark, self.start) >= 0

    @property
    def has_blank_lines(self) -> bool:
        """Whether a line is empty, or ends in a carriage return alone."""
        if self.raw[self.start:self.start + 1] in (b"\r", b"\n"):
            return True
        return (self.holds(b"\r") or self.holds(b"\n\n")) and bool(_UNEVEN.search(self.raw, self.start))

    def num_lines(self) -> int:
        """Lines that end in a line feed, and the last one, whatever ends it; blank ones at the end do not count."""
        end = len(self.raw)
        while end > self.start and self.raw[end - 1] in b"\r\n":
            end -= 1
        return sum(piece.count(b"\n") for piece in self._pieces(end)) + 1

    def head(self, size: int) -> str:
        """What the first so many bytes say."""
        return self.raw[self.start:self.start + size].decode(errors="ignore")

    def whole(self) -> str:
        """All of it in memory."""
        return self.raw[self.start:].decode()

    def buffer(self) -> pa.Buffer:
        """Its bytes, as Arrow takes them."""
        import pyarrow as pa

        return pa.py_buffer(self.raw).slice(self.start)

    def lines(self) -> TextIO:
        """Its lines with their ends, without a copy of it."""
        return io.TextIOWrapper(io.BufferedReader(_Bytes(self.raw, self.start), 2**18), "utf-8", newline="")

    def _pieces(self, end: int) -> Iterator[bytes]:
        for place in range(self.start, end, _PIECE):
            yield self.raw[place:min(place + _PIECE, end)]


class _Bytes(io.RawIOBase):
    """Bytes as a file that can be read; a BytesIO would hold a copy of them."""

    def __init__(self, raw: bytes | mmap.mmap, place: int) -> None:
        self._raw, self._place = raw, place

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._raw[self._place:self._place + len(buffer)]
        self._place += len(piece)
        buffer[:len(piece)] = piece
        return len(piece)
