"""CSV and TSV: records of equal width, strictly quoted, each known by the line on which it starts."""

from __future__ import annotations

import csv
import io
import itertools
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from finetune.data import header, quotes
from finetune.data.decode import BREAK, read_text
from finetune.data.records import Problems, Records, no_rows, refusal
from finetune.errors import DataError

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile, Wanted

MAX_CELL = 16 * 2**20  # characters
DELIMITERS = {".csv": ",", ".tsv": "\t"}

_QUOTES = 'Close every quoted cell, and write a quote inside one twice ("").'
_LENGTH = "Shorten the cell; a quote that is never closed makes one long, too."
_CELLS = "Quote cells that hold {!r} or a line break, and add or remove the cells that differ."
_SAVE_AS = {
    ";": "Save it with commas", "\t": "Save it with commas, or rename it to .tsv for tabs",
    ",": "Save it with tabs, or rename it to .csv for commas",
}
_SAMPLE_ROWS = 200  # from which it is judged whether the first record is a header


def records(file: TableFile, wanted: Wanted) -> Records:
    """The records after the header, or all of them where columns are given by position.

    Raises SpecError for columns that are not there, and DataError for records of another width, for broken quotes, and
    for a quote that is text but was read as the start of a cell of many lines.
    """
    text, notes = read_text(file, wanted.encoding)
    delimiter, literal = DELIMITERS[file.suffix], wanted.quotes == "literal"
    csv.field_size_limit(MAX_CELL)
    first, sample = _beginning(text, delimiter, literal=literal)
    if not first:
        raise no_rows("is empty", file)
    if BREAK.search("".join(first)):
        _parsed(text, delimiter, file=file, literal=literal)  # a header of several lines is mostly a quote left open
    other = next((mark for mark in ";\t," if mark in first[0] and mark != delimiter), None)
    if len(first) == 1 and other:
        raise DataError(
            file.key, f"{file.name} looks separated by {other!r}: its header is the one column {first[0]!r}, and"
            f" {file.suffix} is read with {delimiter!r}. {_SAVE_AS[other]}."
        )
    names = header.columns(first, sample, file=file, wanted=wanted)
    starts, rows = _parsed(text, delimiter, file=file, literal=literal)
    if names == first:
        starts, rows = starts[1:], rows[1:]
    if not rows:
        raise no_rows("has a header but no rows", file)
    if wanted.quotes == "auto" and '"' in text:
        quotes.refuse_swallowed(text, starts, rows, delimiter=delimiter, file=file, label=_label(names, wanted))
    return Records(starts, names, lambda name: _column(rows, names.index(name)), notes)


def _column(rows: list[list[str]], place: int) -> Any:
    import pyarrow as pa

    return pa.array(list(map(operator.itemgetter(place), rows)), pa.string())


def _label(names: list[str], wanted: Wanted) -> int | None:
    """Where the label stands, if one is wanted."""
    return next((names.index(wanted.names[role]) for role, kind in wanted.roles.items() if kind == "label"), None)


def _reader(text: str, delimiter: str, *, literal: bool, strict: bool = True) -> Any:
    quoting = csv.QUOTE_NONE if literal else csv.QUOTE_MINIMAL
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict, quoting=quoting)


def _beginning(text: str, delimiter: str, *, literal: bool) -> tuple[list[str], list[list[str]]]:
    """The first record that is not blank and a few more, however badly they are quoted."""
    reader = (record for record in _reader(text, delimiter, literal=literal, strict=False) if record)
    found: list[list[str]] = []
    try:
        found.extend(itertools.islice(reader, _SAMPLE_ROWS))
    except csv.Error:  # an over-long cell; the parser proper says where
        pass
    return (found[0], found[1:]) if found else ([], [])


def _parsed(text: str, delimiter: str, *, file: TableFile, literal: bool) -> tuple[list[int], list[list[str]]]:
    """The line on which every record starts, and its cells; blank lines are passed over."""
    reader = _reader(text, delimiter, literal=literal)
    try:
        numbered = [(reader.line_num, record) for record in reader]
    except csv.Error:
        raise _refusal(text, delimiter, file=file, literal=literal) from None
    rows = [record for _, record in numbered if record]
    if len({len(record) for record in rows}) > 1:
        raise _refusal(text, delimiter, file=file, literal=literal)
    starts = [1, *(end + 1 for end, _ in numbered[:-1])]
    return [start for start, (_, record) in zip(starts, numbered, strict=True) if record], rows


def _refusal(text: str, delimiter: str, *, file: TableFile, literal: bool) -> DataError:
    """Every record that is broken or of another width than the first."""
    problems, width = Problems(), 0
    for number, record, error in _numbered(_reader(text, delimiter, literal=literal)):
        if error:
            remedy, what = _problem(error)
            if remedy == _QUOTES:
                remedy += quotes.way_out(text, delimiter, width=width)
            problems.setdefault(remedy, []).append((number, what))
        elif not width:
            width = len(record)
        elif len(record) != width:
            what = f"{len(record)} cell{'s' * (len(record) > 1)} found, {width} expected"
            problems.setdefault(_CELLS.format(delimiter), []).append((number, what))
    return refusal(problems, file)


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


def _problem(error: str) -> tuple[str, str]:
    """What to do about an error of the csv module, and what it means."""
    if "field limit" in error:
        return _LENGTH, f"a cell is longer than the {MAX_CELL:,} characters allowed"
    if "end of data" in error:
        return _QUOTES, "a quote opens in this record and is never closed"
    return _QUOTES, "text follows a closing quote in this record"
