"""Column names or a first row: which columns a table has, and what to say when the wanted ones are not among them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from finetune.errors import DataError, SpecError, nearest, some

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile, Wanted

_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
_NAME = re.compile(r"[^\W\d][\w .:#/-]{0,39}")
_MAX_WORDS = 4  # of a column name; a text has more
# What headers say in data sets that people share; a first row with one of them where a role is read is no row.
_USUAL = frozenset((
    "text", "sentence", "review", "content", "title", "message", "question", "tweet", "comment", "description", "body",
    "label", "labels", "class", "category", "target", "sentiment", "rating", "stars", "topic", "intent", "tag", "y",
    "image", "file", "filename", "file_name", "path", "img", "picture",
))


def columns(first: Sequence[str], sample: Sequence[Sequence[str]], *, file: TableFile, wanted: Wanted) -> list[str]:
    """The names of a table's columns: its first record, or positions where every role is given one.

    `sample` are the first records after it. Raises SpecError when the first record is a row though names are wanted,
    or a header though positions are, and when a position is out of range; DataError for names that are not distinct.
    """
    names = wanted.names
    if all(name.isdecimal() for name in names.values()) and not _counts_up(first):
        _check_positions(first, sample, file=file, wanted=wanted)
        return [str(position) for position in range(len(first))]
    if not set(names.values()) <= set(first):
        _refuse_headerless(first, sample, file=file, wanted=wanted)
    require(first, file=file, wanted=wanted)
    twice = sorted({name for name in first if name and first.count(name) > 1})
    if twice:
        raise DataError(file.key, f"{file.name}: the header has more than one column named {some(map(repr, twice))}, "
                                  "names must differ. Rename or remove the copies.")
    return list(first)


def require(header: Sequence[str], *, file: TableFile, wanted: Wanted) -> None:
    """SpecError with every wanted column that a header lacks."""
    known = [name for name in header if name]
    problems = []
    for role, name in wanted.names.items():
        if name in header:
            continue
        found, hint = f"data.columns.{role}: {file.name} has no column {name!r}.", nearest(name, known)
        if name.isdecimal() and role in wanted.columns:
            at = header[int(name)] if int(name) < len(header) else ""
            found = (f"data.columns.{role}: {name} is a position, which counts in a CSV or TSV file without header, "
                     f"where every column is given by one; {file.name} has names.")
            hint = f" Column {name} is {at!r}." if at else ""
        problems.append(f"{found} Columns: {some(known, 20)}.{hint} Add data.columns.{role}=NAME.")
    if problems:
        raise SpecError(problems)


def _counts_up(first: Sequence[str]) -> bool:
    """Whether a first record is the header 0, 1, 2, ... that a table without names is often saved with."""
    names = list(first[1:]) if first[0] == "" else list(first)
    return names == [str(position) for position in range(len(names))]


def _check_positions(
    first: Sequence[str], sample: Sequence[Sequence[str]], *, file: TableFile, wanted: Wanted
) -> None:
    beyond = [f"data.columns.{role}: {name} is not a position in {file.name}, whose first row is {_shown(first)}. "
              f"Allowed are 0 to {len(first) - 1}."
              for role, name in wanted.names.items() if int(name) >= len(first)]
    if beyond:
        raise SpecError(beyond)
    cells = {role: first[int(name)].strip() for role, name in wanted.names.items()}
    is_usual = any(cell.casefold() in _USUAL or cell.casefold() == role for role, cell in cells.items())
    recurs = any(len(row) == len(first) and row[int(name)].strip() == cells[role]
                 for row in sample for role, name in wanted.names.items())
    if is_usual and not recurs and all(map(_NAME.fullmatch, cells.values())):
        named = " ".join(f"data.columns.{role}={cell}" for role, cell in cells.items())
        raise SpecError([f"data.columns: positions are for a file without header, but the first row of {file.name} "
                         f"looks like one: {_shown(first)}. Give names: {named}"])


def _refuse_headerless(
    first: Sequence[str], sample: Sequence[Sequence[str]], *, file: TableFile, wanted: Wanted
) -> None:
    """SpecError with the positions to give, when the first record reads like a row."""
    even = [row for row in (first, *sample) if len(row) == len(first)]
    if not any(_is_no_name(cell, [row[place] for row in even[1:]]) for place, cell in enumerate(first)):
        return
    places = guess_positions(even, wanted.roles)
    way = " ".join(f"data.columns.{role}={place}" for role, place in places.items())
    raise SpecError([f"data.columns: {file.name} seems to have no header: its first row is {_shown(first)}, and "
                     f"columns {', '.join(map(repr, wanted.names.values()))} are wanted. Give positions, which count "
                     f"from 0: {way} (or write a header into the file)"])


def _is_no_name(cell: str, below: Sequence[str]) -> bool:
    return bool(cell) and (len(cell.split()) > _MAX_WORDS or len(cell) > 40 or bool(_NUMBER.fullmatch(cell))
                           or cell in below)


def guess_positions(rows: Sequence[Sequence[str]], roles: Mapping[str, str]) -> dict[str, int | str]:
    """Role to the position where it probably stands: labels repeat, texts and names of pictures are long."""
    free = list(range(len(rows[0])))
    distinct = {place: len({row[place] for row in rows}) for place in free}
    length = {place: sum(len(row[place]) for row in rows) for place in free}
    found: dict[str, int | str] = dict.fromkeys(roles, "POSITION")
    for role in (role for role, kind in roles.items() if kind == "label" and free):
        found[role] = min(free, key=lambda place: (distinct[place] < 2, distinct[place], length[place]))
        free.remove(int(found[role]))
    contents = [role for role, kind in roles.items() if kind in ("text", "image")]
    longest = sorted(sorted(free, key=lambda place: -length[place])[:len(contents)])
    return found | dict(zip(contents, longest, strict=False))


def _shown(cells: Sequence[str]) -> str:
    """A row as an error quotes it."""
    return some([repr(cell if len(cell) <= 40 else f"{cell[:40]}...") for cell in cells], 8)
