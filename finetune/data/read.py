"""Tables as files: CSV, TSV and JSON become Arrow tables of strings, or one error that lists what is wrong."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data import images as pictures
from finetune.data.decode import read_text
from finetune.errors import DataError, SpecError, nearest, some

if TYPE_CHECKING:
    import pyarrow as pa

MAX_CELL = 16 * 2**20  # characters

_QUOTES = 'Close every quoted cell, and write a quote inside one twice ("").'
_LENGTH = "Shorten the cell; a quote that is never closed makes one long, too."
_CELLS = "Quote cells that hold {!r} or a line break, and add or remove the cells that differ."
_JSON_SYNTAX = "Correct the JSON there."
_JSON_ROWS = 'Write every row as an object, such as {"text": "...", "label": "..."}.'
_JSON_CELLS = "Write every cell as text, a number, true, false or null."

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_SAVE_AS = {
    ";": "Save it with commas", "\t": "Save it with commas, or rename it to .tsv for tabs",
    ",": "Save it with tabs, or rename it to .csv for commas",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
# Numbers keep the spelling of the file; NaN is how other tools write a missing number.
_JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=lambda _: None)

@dataclass(frozen=True, slots=True)
class Source:
    """The file that is read, and the recipe key that errors name."""

    file: Path
    key: str


Problems = dict[str, list[tuple[int | str, str]]]  # what to do -> line (and column) and what was found there


@dataclass(frozen=True, slots=True)
class Records:
    """What a file holds: where each record starts, the column names, and the cells of a named column."""

    numbers: Sequence[int]
    header: Sequence[str]
    column: Callable[[str], list[str | None]]


def read_table(
    file: Path, *, columns: Mapping[str, str], roles: Mapping[str, str], key: str, images: Path | None = None
) -> pa.Table:
    """A table of strings: `row` (`file:number`), `hash` (sha256 of the content) and one column per role.

    `number` is the line on which the record starts, or the position in a JSON array; both count from 1.
    `roles` maps role to kind (text, image, label), `columns` role to the file's column where the two differ.
    Blank labels are null, other cells are kept as they are. Pictures are found in `images`, a folder or zip, else
    beside the file, and are decoded once.

    Raises SpecError for columns that the file has not, DataError for all else that is wrong, naming `key`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    read_records = _csv_records if file.suffix.lower() in _DELIMITERS else _json_records
    records = read_records(read_text(file, key), Source(file, key))
    names = _names(records.header, file, columns=columns, roles=roles)
    name = file.name
    rows = [f"{name}:{number}" for number in records.numbers]
    cells: dict[str, Any] = {}
    for role, kind in roles.items():
        found = pa.array(records.column(names[role]), pa.string())
        if kind == "label":
            trimmed = pc.utf8_trim_whitespace(found)
            cells[role] = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
        else:
            cells[role] = pc.fill_null(found, "")
        if kind == "image":
            located = pictures.locate(cells[role].to_pylist(), rows, source=images, beside=file.parent, key=key)
            cells[role] = pa.array(located, pa.string())
            pictures.check_images(pa.table({"row": rows, role: cells[role]}), key, column=role)
    content = next(role for role, kind in roles.items() if kind != "label")
    values = cells[content].to_pylist()
    hashes = pictures.hashes(values) if roles[content] == "image" else _text_hashes(values)
    return pa.table({"row": pa.array(rows, pa.string()), "hash": pa.array(hashes, pa.string()), **cells})


def _text_hashes(texts: list[str]) -> list[str]:
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def _names(
    header: Sequence[str], file: Path, *, columns: Mapping[str, str], roles: Mapping[str, str]
) -> dict[str, str]:
    names = {role: columns.get(role, role) for role in roles}
    known = [name for name in header if name]
    problems = [
        f"data.columns.{role}: {file.name} has no column {name!r}. Columns: {some(known, 20)}.{nearest(name, known)}"
        f" Add data.columns.{role}=NAME."
        for role, name in names.items() if name not in header
    ]
    if problems:
        raise SpecError(problems)
    return names


def _refusal(problems: Problems, source: Source) -> DataError:
    """One error for all rows that cannot be read, those with the same remedy together."""
    messages = []
    for remedy, found in problems.items():
        place, what = found[0]
        like_it = f" {len(found):,} rows like it ({some(place for place, _ in found)})." if len(found) > 1 else ""
        messages.append(f"{source.file.name}:{place}: {what}.{like_it} {remedy}")
    return DataError(source.key, f"\n{source.key}: ".join(messages))


def _no_rows(what: str, source: Source) -> DataError:
    found = f"{source.file.name} {what}, at least one row is needed"
    return DataError(source.key, f"{found}. Add rows, or name another file.")


def _csv_records(text: str, source: Source) -> Records:
    delimiter = _DELIMITERS[source.file.suffix.lower()]
    csv.field_size_limit(MAX_CELL)
    lines = _numbered(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    number, header, error = next(lines, (1, [], ""))
    if error:
        remedy, what = _csv_problem(error)
        raise _refusal({remedy: [(number, what)]}, source)
    _check_header(header, source)
    width, numbers, records, problems = len(header), [], [], Problems()
    for number, record, error in lines:
        if len(record) == width:
            numbers.append(number)
            records.append(record)
            continue
        remedy, what = _CELLS.format(delimiter), f"{len(record)} cell{'s' * (len(record) > 1)} found, {width} expected"
        if error:
            remedy, what = _csv_problem(error)
        problems.setdefault(remedy, []).append((number, what))
    if problems:
        raise _refusal(problems, source)
    if not records:
        raise _no_rows("has a header but no rows", source)
    return Records(numbers, header, lambda name: list(map(operator.itemgetter(header.index(name)), records)))


def _numbered(reader: Any) -> Iterator[tuple[int, list[str], str]]:
    """Every record that is not blank, with the line on which it starts and what csv finds wrong with it."""
    while True:
        start = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, [], str(error)
            continue
        if record:
            yield start, record, ""


def _csv_problem(error: str) -> tuple[str, str]:
    """What to do about an error of the csv module, and what it means."""
    if "field limit" in error:
        return _LENGTH, f"a cell is longer than the {MAX_CELL:,} characters allowed"
    if "end of data" in error:
        return _QUOTES, "a quote opens in this record and is never closed"
    return _QUOTES, "text follows a closing quote in this record"


def _check_header(header: list[str], source: Source) -> None:
    file, key = source.file, source.key
    if not header:
        raise _no_rows("is empty", source)
    other = next((mark for mark in ";\t," if mark in header[0]), None)
    if len(header) == 1 and other:
        raise DataError(
            key, f"{file.name} looks separated by {other!r}: its header is the one column {header[0]!r}, and"
            f" {file.suffix} is read with {_DELIMITERS[file.suffix.lower()]!r}. {_SAVE_AS[other]}."
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataError(
            key, f"{file.name}: the header has more than one column named {some(map(repr, twice))}, names must differ."
            " Rename or remove the copies."
        )


def _json_records(text: str, source: Source) -> Records:
    if not text.strip():
        raise _no_rows("is empty", source)
    rows = _json_rows(text, source)
    wrong = Problems()
    for number, row in rows:
        if not isinstance(row, dict):
            wrong.setdefault(_JSON_ROWS, []).append((number, f"{_kind(row)} found, an object expected"))
    if wrong:
        raise _refusal(wrong, source)
    if not rows:
        raise _no_rows("has no rows", source)
    header = list(dict.fromkeys(itertools.chain.from_iterable(row for _, row in rows)))
    return Records([number for number, _ in rows], header, lambda name: _json_column(rows, name, source=source))


def _json_rows(text: str, source: Source) -> list[tuple[int, Any]]:
    """Position and value of every row; JSON lines are told from a document by a first value that is one line long."""
    if source.file.suffix.lower() != ".json" and not text.lstrip().startswith("["):
        return _json_lines(text, source)
    try:
        document = _JSON.decode(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and "\n" not in text[:error.pos].strip():
            return _json_lines(text, source)
        place = f"{error.lineno}:{error.colno}"
        raise _refusal({_JSON_SYNTAX: [(place, f"broken JSON ({error.msg})")]}, source) from None
    except RecursionError:
        raise _refusal({_JSON_ROWS: [(1, "JSON nested too deeply, an array of objects expected")]}, source) from None
    if isinstance(document, dict):
        document = document.get("data", [document])
    if not isinstance(document, list):
        what = f"{_kind(document)} found, an array of objects expected"
        raise _refusal({_JSON_ROWS: [(1, what)]}, source)
    return list(enumerate(document, 1))


def _json_lines(text: str, source: Source) -> list[tuple[int, Any]]:
    rows: list[tuple[int, Any]] = []
    broken: list[tuple[int | str, str]] = []
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if not line.strip():
            continue
        try:
            rows.append((number, _JSON.decode(line.rstrip())))
        except json.JSONDecodeError as error:
            broken.append((f"{number}:{error.colno}", f"broken JSON ({error.msg})"))
        except RecursionError:
            broken.append((f"{number}:1", "JSON nested too deeply"))
    if broken:
        raise _refusal({_JSON_SYNTAX: broken}, source)
    return rows


def _json_column(rows: list[tuple[int, Any]], name: str, *, source: Source) -> list[str | None]:
    spelled = {True: "true", False: "false", None: None}
    cells: list[str | None] = []
    wrong: list[tuple[int | str, str]] = []
    for number, row in rows:
        cell = row.get(name)
        if isinstance(cell, str):
            if _SURROGATE.search(cell):
                wrong.append((number, f"column {name!r} holds half a surrogate pair, which is no character"))
        elif isinstance(cell, list | dict):
            wrong.append((number, f"column {name!r} holds {_kind(cell)}, text or a number expected"))
        else:
            cell = spelled[cell]
        cells.append(cell)
    if wrong:
        raise _refusal({_JSON_CELLS: wrong}, source)
    return cells


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else "a single value"
