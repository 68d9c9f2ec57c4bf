"""One file of rows: what rows and errors call it, where its bytes lie, and how it is unpacked."""

from __future__ import annotations

import gzip
import io
import math
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from mmap import mmap
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from finetune import mapped
from finetune.data import locators
from finetune.errors import DataError

if TYPE_CHECKING:
    from finetune.spec import Data

FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather")
TAGGED = (".conll", ".iob", ".iob2", ".bio", ".txt")  # one word a line, where tags are learnt
_PIECE = 2**24  # bytes that are unpacked at a time
IDX = re.compile(r".*idx\d-ubyte", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task reads of every table, and how the user says that it is written."""

    roles: Mapping[str, str]  # role -> kind: text, image or label
    columns: Mapping[str, str] = field(default_factory=dict)  # role -> the file's column, where the two differ
    images: Path | None = None
    quotes: str = "auto"
    encoding: str = "auto"
    aside: Path | None = None  # the folder for what is too large for memory

    @property
    def names(self) -> dict[str, str]:
        """Role to column."""
        return {role: self.columns.get(role, role) for role in self.roles}

    @classmethod
    def by(cls, data: Data, roles: Mapping[str, str], aside: Path | None = None) -> Wanted:
        """What the recipe says of the user's files."""
        return cls(roles, data.columns, Path(data.images).expanduser() if data.images else None,
                   quotes=data.quotes, encoding=data.encoding, aside=aside)


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file of rows on disk or in a zip archive; one that ends in .gz is unpacked as it is read."""

    name: str
    locator: str
    key: str
    label: str | None = None  # of every row, where the file's name tells it

    @classmethod
    def at(cls, file: Path, key: str) -> TableFile:
        """A file on disk."""
        return cls(file.name, str(file), key)

    @property
    def suffix(self) -> str:
        """The format: .csv, .parquet, ... or .idx, in lower case and without .gz; empty where there is none."""
        name = self.name.removesuffix(".gz").removesuffix(".GZ")
        return ".idx" if IDX.fullmatch(name) else PurePosixPath(name).suffix.lower()

    @property
    def is_packed(self) -> bool:
        """Whether its bytes have to be unpacked before they can be read."""
        return self.name.lower().endswith(".gz") or ".zip::" in self.locator.lower()

    @property
    def archive(self) -> Path | None:
        """The zip archive that it lies in."""
        place = locators.split(self.locator)
        return Path(place[0]) if place else None

    @property
    def folder(self) -> Path:
        """Folder or zip archive in which the pictures that it names are looked for."""
        return self.archive or Path(self.locator).parent

    def read(self) -> bytes:
        """All of its bytes, unpacked; DataError says why they cannot be had, as for over 1 GiB and for bombs."""
        try:
            raw = locators.read(self.locator, most=math.inf)
            return _unpack(raw) if self.name.lower().endswith(".gz") else raw
        except (locators.UnreadableError, OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile,
                NotImplementedError) as error:
            raise self._refusal(error) from error

    def content(self) -> bytes | mmap:
        """All of its bytes, mapped if they lie on disk as they are; DataError as in `read`."""
        if self.is_packed:
            return self.read()
        try:
            if not locators.size(self.locator):
                return b""  # which cannot be mapped
            with Path(self.locator).open("rb") as opened:
                return mapped.bytes_of(opened)
        except (locators.UnreadableError, OSError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> DataError:
        reason = str(error).rstrip(".")
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        way_out = "Unpack it and name what was in it" if self.is_packed else "Make it readable"
        return DataError(self.key, f"{self.name} cannot be read ({reason}). {way_out}.")


def formats(roles: Mapping[str, str]) -> tuple[str, ...]:
    """The suffixes of tables from which these roles can be read."""
    return (*FORMATS, *TAGGED) if "tags" in roles.values() else FORMATS


def _unpack(raw: bytes) -> bytes:
    """The content of a gzip file, piece by piece up to the limits: what it says of its size cannot be relied on."""
    pieces, size = [], 0
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as opened:
        while piece := opened.read(_PIECE):
            size += len(piece)
            locators.refuse_bomb(size, packed=len(raw))
            if size > locators.MAX_BYTES:
                raise locators.UnreadableError(f"too large: more than {locators.MAX_BYTES:,} bytes when unpacked")
            pieces.append(piece)
    return b"".join(pieces)
