"""Rows that are not held in memory: the texts of a large table lie in a file that is mapped into it.

The system reads such a file where it is looked at and takes the memory back when it is needed elsewhere. The file has
no name, so that nothing is left of it once the table is gone, whatever happens to the process.
"""

from __future__ import annotations

import mmap
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from finetune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

LEAST = 2**26  # bytes; a smaller table stays in memory
PIECE = 2**23  # bytes of a table that are worked on at once
_MOST = 2**31 - 1  # bytes that an array of strings can have

_MAPS: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


def gathered(pieces: Iterable[pa.Table], aside: Path | None = None) -> pa.Table:
    """The rows of all pieces, at least one, in one table of whole columns, which is mapped where it is large.

    Its texts are written into a file in the folder `aside` while the pieces come; without a folder they stay in memory.
    DataError where the disk has no room for them.
    """
    import pyarrow as pa

    held, size, coming = list[pa.Table](), 0, iter(pieces)
    for piece in coming:
        held.append(piece)
        size += piece.nbytes
        if aside is not None and size > LEAST:
            return _written(held, coming, aside)
    return pa.concat_tables(held).combine_chunks()


def slices(table: pa.Table, aside: Path | None = None) -> Iterator[tuple[int, pa.Table]]:
    """The table in pieces of about PIECE bytes and of at least one row, each with the place of its first row.

    What stays in memory when it is `gathered` comes in one piece: there, many would be copied once more.
    """
    is_large = aside is not None and table.nbytes > LEAST
    num_rows = max(1, PIECE * table.num_rows // max(table.nbytes, 1)) if is_large else max(1, table.num_rows)
    for start in range(0, max(table.num_rows, 1), num_rows):
        yield start, table.slice(start, num_rows)


def filtered(table: pa.Table, stays: Any, aside: Path | None = None) -> pa.Table:
    """The rows that a mask of numpy keeps; filtered all at once, Arrow (26.0) takes up to twice their memory."""
    import numpy as np
    import pyarrow as pa

    if aside is not None and table.nbytes > LEAST:
        return gathered((part.filter(stays[at:at + part.num_rows]) for at, part in slices(table, aside)), aside)
    edges = np.flatnonzero(np.diff(stays, prepend=False, append=False)).reshape(-1, 2).tolist()
    return pa.concat_tables([table.slice(0, 0), *(table.slice(a, b - a) for a, b in edges)]).combine_chunks()


def let_go() -> None:
    """Give the memory of all mapped rows, and what Arrow keeps to use again, back to the system."""
    import pyarrow as pa

    for mapping in list(_MAPS):
        mapping.madvise(mmap.MADV_DONTNEED)
    if _MAPS:
        pa.default_memory_pool().release_unused()


def bytes_of(opened: IO[bytes]) -> mmap.mmap:
    """The bytes of an open file, which may be closed then; they can be sliced and searched, but are read from disk."""
    mapping = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    _MAPS.add(mapping)
    return mapping


class _InMemory:
    """The chunks of a column that takes little room."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind, self._chunks = kind, list[Any]()

    def add(self, cells: pa.ChunkedArray) -> None:
        """More rows."""
        self._chunks += cells.chunks

    def whole(self) -> pa.Array | pa.ChunkedArray:
        """All rows."""
        import pyarrow as pa

        return pa.chunked_array(self._chunks, self._kind).combine_chunks()


class _InFile:
    """A column of strings or bytes, which are in a file; where each of them ends is in memory."""

    def __init__(self, kind: pa.DataType, aside: Path) -> None:
        self._kind, self._aside = kind, aside
        self._done = list[Any]()
        self._begin()

    def _begin(self) -> None:
        self._file = tempfile.TemporaryFile(dir=self._aside)  # noqa: SIM115  # closed when it is mapped
        self._ends, self._valid, self._size = list[Any](), list[Any](), 0

    def add(self, cells: pa.ChunkedArray) -> None:
        """More rows; where an array can have no more, the next begins."""
        for chunk in cells.chunks:
            offsets, data = _bytes_of(chunk)
            if self._size + len(data) > _MOST:
                self._done.append(self._ready())
                self._begin()
            self._file.write(data)
            self._ends.append(offsets[1:] - offsets[0] + self._size)
            self._valid.append(chunk.is_valid())
            self._size += len(data)

    def whole(self) -> pa.ChunkedArray:
        """All rows."""
        import pyarrow as pa

        return pa.chunked_array([*self._done, self._ready()], self._kind)

    def _ready(self) -> pa.Array:
        import numpy as np
        import pyarrow as pa

        with self._file as opened:
            opened.flush()
            data = bytes_of(opened) if self._size else b""
        ends = np.concatenate([np.zeros(1, np.int64), *self._ends]).astype(_offset_type(self._kind))
        valid = pa.concat_arrays([pa.array([], pa.bool_()), *self._valid])
        bits = valid.buffers()[1] if valid.false_count else None
        return pa.Array.from_buffers(self._kind, len(valid), [bits, pa.py_buffer(ends), pa.py_buffer(data)])


def _written(held: list[pa.Table], coming: Iterator[pa.Table], aside: Path) -> pa.Table:
    """The pieces that were held, which go as they are written, and those to come."""
    import pyarrow as pa

    schema = held[0].schema
    try:
        columns = [_InFile(kind, aside) if _is_text(kind) else _InMemory(kind) for kind in schema.types]
        for piece in chain(_emptied(held), coming):
            for column, cells in zip(columns, piece.columns, strict=True):
                column.add(cells)
        return pa.table([column.whole() for column in columns], schema=schema)
    except OSError as error:
        raise DataError(str(aside), f"the rows do not fit into memory, and cannot be laid there: {error.strerror}. "
                                    "Make room, or set output_dir=FOLDER to another disk.") from error


def _emptied(held: list[pa.Table]) -> Iterator[pa.Table]:
    while held:
        yield held.pop(0)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return any(told(kind) for told in (pa.types.is_string, pa.types.is_binary, pa.types.is_large_string,
                                       pa.types.is_large_binary))


def _offset_type(kind: pa.DataType) -> str:
    import pyarrow as pa

    return "int64" if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind) else "int32"


def _bytes_of(cells: pa.Array) -> tuple[Any, memoryview]:
    """Where each cell begins and the last one ends, and the bytes between."""
    import numpy as np

    _, places, data = cells.buffers()
    offsets = np.frombuffer(places or bytes(8), _offset_type(cells.type))[cells.offset:cells.offset + len(cells) + 1]
    return offsets.astype(np.int64), memoryview(data or b"")[offsets[0]:offsets[-1]]
