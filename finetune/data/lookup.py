"""The pictures that a table names: found in a folder or zip archive, whatever machine the names were written on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from finetune.data import locators
from finetune.errors import DataError, some

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|data:image/", re.IGNORECASE)
_DRIVE = re.compile(r"[a-z]:(?=/)|^//[^/]+/[^/]+", re.IGNORECASE)  # C:/..., //server/share/...

Find = Callable[[str], str | None]  # a path inside the source -> its locator


def locate(
    cells: Sequence[str], rows: Sequence[str], *, source: Path | None, beside: Path, key: str
) -> tuple[list[str], tuple[str, ...]]:
    """The locators of the pictures that a table names, and what the user must know of how they were found.

    They lie inside `source`, a folder or zip, else `beside`, where the table is. Backslashes and other capitals are
    understood; of a longer path, as `C:\\photos\\a.jpg`, the end counts, unless two names would mean one picture then.
    DataError lists all addresses, else all names that lead out of the folder, else all pictures that are not there.
    """
    _refuse_addresses(cells, rows, key=key)
    place = source or beside
    names = {cell: _spelt(cell, place) for cell in dict.fromkeys(cells)}
    _refuse_outside(cells, rows, names=names, place=place, key=key)
    find, files = _inside_folder(place) if place.is_dir() else _inside_zip(place)
    found = {cell: find(name) for cell, name in names.items()}
    lacking = [cell for cell, locator in found.items() if locator is None]
    by_end = _by_end(lacking, names, files=files()) if lacking else {}
    found |= by_end
    missing = [f"{row} {cell!r}" for row, cell in zip(rows, cells, strict=True) if found[cell] is None]
    if missing:
        raise DataError(
            key, f"{len(missing):,} of {len(cells):,} pictures are not in {place.absolute()}: {some(missing)}. Add "
            "them, remove their rows, or name the right folder or zip with data.images=PATH."
        )
    notes: tuple[str, ...] = ()
    if by_end:
        cell = lacking[0]
        notes = (f"{len(by_end):,} of {len(names):,} pictures were found by the end of their path or in other "
                 f"capitals, such as {cell!r} as {found[cell]}",)
    return [locator for cell in cells if (locator := found[cell]) is not None], notes


def _refuse_addresses(cells: Sequence[str], rows: Sequence[str], *, key: str) -> None:
    bad = [f"{row} {cell[:80]!r}" for row, cell in zip(rows, cells, strict=True) if _ADDRESS.match(cell.strip())]
    if bad:
        raise DataError(
            key, f"{len(bad):,} of {len(cells):,} pictures are addresses: {some(bad)}. Pictures are read from disk and "
            "never fetched. Download them into a folder, name the files in the table, and set data.images=FOLDER."
        )


def _spelt(cell: str, place: Path) -> str:
    """A name with slashes; one that is absolute and lies in the folder becomes relative to it."""
    name = cell.replace("\\", "/").removeprefix("./")
    root = f"{place.absolute().as_posix().rstrip('/')}/"
    return name.removeprefix(root)


def _is_absolute(name: str) -> bool:
    return name.startswith("/") or bool(_DRIVE.match(name))


def _refuse_outside(
    cells: Sequence[str], rows: Sequence[str], *, names: Mapping[str, str], place: Path, key: str
) -> None:
    """DataError for names that climb out, even to a file that exists: a table must not choose what else is read."""
    out = [f"{row} {cell!r}" for row, cell in zip(rows, cells, strict=True) if ".." in names[cell].split("/")]
    if out:
        raise DataError(
            key, f"{len(out):,} of {len(cells):,} pictures lead out of {place.absolute()}: {some(out)}. Name the "
            "folder that holds all of them with data.images=PATH, and write the names without '..'."
        )


def _inside_folder(folder: Path) -> tuple[Find, Callable[[], Mapping[str, str]]]:
    def find(name: str) -> str | None:
        path = folder / name
        return str(path) if name and not _is_absolute(name) and path.is_file() else None

    return find, lambda: _names(locators.list_files(folder, "data.images"))


def _inside_zip(archive: Path) -> tuple[Find, Callable[[], Mapping[str, str]]]:
    files = _names(locators.list_files(archive, "data.images"))
    return files.get, lambda: files


def _names(files: Mapping[locators.Parts, str]) -> dict[str, str]:
    """Path inside the source to locator; a folder that wraps all of them may be left out."""
    names = {"/".join(parts): locator for parts, locator in files.items()}
    tops = {name.partition("/")[0] for name in names}
    if len(tops) == 1:
        wrap = f"{tops.pop()}/"
        names = {name.removeprefix(wrap): locator for name, locator in names.items()} | names
    return names


def _by_end(cells: Sequence[str], names: Mapping[str, str], *, files: Mapping[str, str]) -> dict[str, str | None]:
    """Cell to the file that the longest end of its path names, capitals aside; None where that is not one file."""
    folded: dict[str, set[str]] = {}
    for name, locator in files.items():
        folded.setdefault(name.casefold(), set()).add(locator)
    found: dict[str, str] = {}
    for cell in cells:
        parts = [part for part in _DRIVE.sub("", names[cell]).casefold().split("/") if part]
        ends = ("/".join(parts[start:]) for start in range(len(parts)))
        fits = next((folded[end] for end in ends if end in folded), set())
        if len(fits) == 1:
            found[cell] = next(iter(fits))
    shared = Counter(found.values())
    return {cell: found[cell] if cell in found and shared[found[cell]] == 1 else None for cell in cells}
