"""Where files lie: in a folder, or in a zip archive that is read where it stands and never unpacked.

A locator is `PATH` or `ARCHIVE.zip::MEMBER`.
"""

from __future__ import annotations

import functools
import os
import re
import stat
import zipfile
from pathlib import Path

from finetune.data.decode import absent
from finetune.errors import DataError, some

MAX_BYTES = 2**30  # of one file; a zip member says its size before it is unpacked
Parts = tuple[str, ...]  # a path inside a folder or archive

_LOCATOR = re.compile(r"(.+?\.zip)::(.+)", re.IGNORECASE | re.DOTALL)
_SLASH = re.compile(r"[/\\]")
_CLUTTER = ("__macosx", "thumbs.db", "desktop.ini")
_DEPTH = 5  # folders to look into: one more than any layout that we read, so that a deeper file is seen and refused


class UnreadableError(Exception):
    """A file that we do not read, with the reason in a few words."""


def read(locator: str) -> bytes:
    """The bytes of a file; raises UnreadableError, OSError, KeyError, or what zipfile raises on damage."""
    inside = _LOCATOR.fullmatch(locator)
    if inside:
        archive = _archive(inside[1], os.getpid())
        member = archive.getinfo(inside[2])
        _refuse_large(member.file_size)
        return archive.read(member)
    state = Path(locator).stat()
    if not stat.S_ISREG(state.st_mode):
        raise UnreadableError("not a regular file")  # a pipe would wait for ever
    _refuse_large(state.st_size)
    return Path(locator).read_bytes()


def is_inside(locator: str) -> bool:
    """Whether a file lies in an archive."""
    return _LOCATOR.fullmatch(locator) is not None


def list_files(source: Path, key: str) -> dict[Parts, str]:
    """Path inside `source` to locator, for every file that is not hidden or left behind by a desktop.

    Raises DataError for a source that is neither folder nor zip, and for an archive with members that lead elsewhere.
    """
    return _folder_files(source, key) if source.is_dir() else _zip_files(source, key)


def _refuse_large(size: int) -> None:
    if size > MAX_BYTES:
        raise UnreadableError(f"too large: {size:,} bytes, at most {MAX_BYTES:,}")


@functools.lru_cache(maxsize=8)
def _archive(file: str, _process: int) -> zipfile.ZipFile:
    """An open archive. Each process has its own: after a fork two would move one file position."""
    return zipfile.ZipFile(file)


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _CLUTTER


def _folder_files(source: Path, key: str) -> dict[Parts, str]:
    files = {}
    for folder, subfolders, names in os.walk(source, followlinks=True):
        above = Path(folder).relative_to(source).parts
        subfolders[:] = [name for name in subfolders if not _is_clutter(name)]
        if len(above) == _DEPTH:  # a link to a folder above would never end
            names, subfolders[:] = [*names, *subfolders], []
        files.update({(*above, name): str(Path(folder, name)) for name in names if not _is_clutter(name)})
    bad = [ascii(locator) for locator in files.values() if os.fsencode(locator).decode("utf-8", "replace") != locator]
    if bad:
        raise DataError(key, f"names of {len(bad):,} of {len(files):,} files are not UTF-8: {some(bad)}. Rename them.")
    return files


def _zip_files(source: Path, key: str) -> dict[Parts, str]:
    if not source.exists():
        raise DataError(key, absent(source))
    if source.suffix.lower() != ".zip" or not source.is_file():
        raise DataError(key, f"{source.absolute()} is neither a folder nor a .zip file. Name one that holds pictures.")
    try:
        members = [member for member in _archive(str(source), os.getpid()).infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(key, f"{source.absolute()} is no readable zip ({error}). Pack it again.") from error
    refused = [f"{member.filename!r} ({problem})" for member in members if (problem := _member_problem(member))]
    if refused:
        found = f"{len(refused):,} of {len(members):,} members are refused: {some(refused)}"
        raise DataError(key, f"{source.name}: {found}. Allowed are plain files inside it. Pack it without the others.")
    files = {tuple(_SLASH.split(member.filename)): f"{source}::{member.filename}" for member in members}
    return {parts: locator for parts, locator in files.items() if not any(map(_is_clutter, parts))}


def _member_problem(member: zipfile.ZipInfo) -> str | None:
    if re.match(r"[/\\]|[A-Za-z]:[/\\]", member.filename):
        return "absolute path"
    if ".." in _SLASH.split(member.filename):
        return "leads out of the archive"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link or device"
    return "encrypted" if member.flag_bits & 1 else None
