"""Where files lie: in a folder, or in a zip archive that is read where it stands and never unpacked.

A locator is `PATH` or `ARCHIVE.zip::MEMBER`.
"""

from __future__ import annotations

import functools
import os
import re
import stat
import zipfile
from collections import Counter
from pathlib import Path

from finetune.errors import DataError, nearest, some

MAX_BYTES = 2**30  # of one file; a zip member says its size before it is unpacked
# Text packs to a tenth, tables of few words to a fiftieth, zeros to a thousandth (the most that deflate can).
MAX_RATIO, ALWAYS_ALLOWED = 200, 2**26  # unpacked bytes for each packed one, where it is more than 64 MiB
Parts = tuple[str, ...]  # a path inside a folder or archive

_LOCATOR = re.compile(r"(.+?\.zip)::(.+)", re.IGNORECASE | re.DOTALL)
_SLASH = re.compile(r"[/\\]")
_CLUTTER = ("__macosx", "thumbs.db", "desktop.ini")
_DEPTH = 5  # folders to look into: one more than any layout that we read, so that a deeper file is seen and refused


class UnreadableError(Exception):
    """A file that we do not read, with the reason in a few words."""


def read(locator: str, *, most: float | None = None) -> bytes:
    """The bytes of a file, if it has at most `most` (usually MAX_BYTES, which members of archives never exceed).

    Raises UnreadableError, OSError, KeyError, or what zipfile raises on damage.
    """
    most = MAX_BYTES if most is None else most
    inside = split(locator)
    if inside:
        archive = _archive(inside[0], os.getpid())
        member = archive.getinfo(inside[1])
        _refuse_large(member.file_size, min(most, MAX_BYTES))
        refuse_bomb(member.file_size, packed=member.compress_size)
        return archive.read(member)
    _refuse_large(size(locator), most)
    return Path(locator).read_bytes()


def size(file: str) -> int:
    """The bytes that a file on disk has; UnreadableError for what is not a regular file, as a pipe, or OSError."""
    state = Path(file).stat()
    if not stat.S_ISREG(state.st_mode):
        raise UnreadableError("not a regular file")  # a pipe would wait for ever
    return state.st_size


def split(locator: str) -> tuple[str, str] | None:
    """Archive and member; None for a file on disk."""
    inside = _LOCATOR.fullmatch(locator)
    return (inside[1], inside[2]) if inside else None


def absent(path: Path) -> str:
    """What to say of a path that does not exist: its absolute form, near matches, and what to do."""
    path = path.absolute()
    if path.is_symlink():
        return f"{path} is a link that leads nowhere. Name the file itself, or make the link anew."
    if not path.parent.is_dir():
        return f"{path} does not exist, nor does its folder. Correct the path."
    beside = [entry.name for entry in path.parent.iterdir()]
    return f"{path} does not exist.{nearest(path.name, beside)} Correct the path."


def refuse_bomb(size: int, *, packed: int) -> None:
    """UnreadableError for what unpacks to far more bytes than data do; best called before it is unpacked."""
    if size > max(ALWAYS_ALLOWED, MAX_RATIO * packed):
        raise UnreadableError(f"a bomb: it unpacks to over {MAX_RATIO} times its size")


def list_files(source: Path, key: str) -> dict[Parts, str]:
    """Path inside `source` to locator, for every file that is not hidden or left behind by a desktop.

    Raises DataError for a source that is neither folder nor zip, and for an archive with members that lead elsewhere.
    """
    return _folder_files(source, key) if source.is_dir() else _zip_files(source, key)


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
    if odd := [locator for locator in files.values() if split(locator)]:
        raise DataError(key, f"names of {len(odd):,} of {len(files):,} files read like members of an archive: "
                             f"{some(map(repr, odd))}. Rename them, or the folder, so that '.zip::' is not in them.")
    return files


def _zip_files(source: Path, key: str) -> dict[Parts, str]:
    if not source.exists():
        raise DataError(key, absent(source))
    if source.suffix.lower() != ".zip" or not source.is_file():
        raise DataError(key, f"{source.absolute()} is neither a folder nor a .zip file. Name one that holds pictures.")
    try:
        members = [member for member in _archive(str(source), os.getpid()).infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(key, f"{source.absolute()} is not a readable zip ({error}). Pack it again.") from error
    counts = Counter(_SLASH.sub("/", member.filename) for member in members)
    refused = [f"{member.filename[-80:]!r} ({problem})" for member in members
               if (problem := _member_problem(member) or _twice(member, counts))]
    if refused:
        found = f"{len(refused):,} of {len(members):,} members are refused: {some(refused)}"
        raise DataError(key, f"{source.name}: {found}. Allowed are plain files inside it. Pack it without the others.")
    files = {tuple(_SLASH.split(member.filename)): f"{source}::{member.filename}" for member in members}
    return {parts: locator for parts, locator in files.items() if not any(map(_is_clutter, parts))}


def _twice(member: zipfile.ZipInfo, counts: Counter[str]) -> str | None:
    """Of two members of one name only the last could be read."""
    return "more than one has this name" if counts[_SLASH.sub("/", member.filename)] > 1 else None


def _refuse_large(size: int, most: float) -> None:
    if size > most:
        raise UnreadableError(f"too large: {size:,} bytes, at most {most:,}")


def _member_problem(member: zipfile.ZipInfo) -> str | None:
    if re.match(r"[/\\]|[A-Za-z]:[/\\]", member.filename):
        return "absolute path"
    if ".." in _SLASH.split(member.filename):
        return "leads out of the archive"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link or device"
    return "encrypted" if member.flag_bits & 1 else None
