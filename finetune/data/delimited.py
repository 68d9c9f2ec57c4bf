"""CSV and TSV: records of equal width, strictly quoted, each known by the line on which it starts."""

from __future__ import annotations

import contextlib
import csv
import itertools
import operator
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import mapped
from finetune.data import header, quotes
from finetune.data.decode import BREAK, MAX_CELL, read
from finetune.data.records import Problems, Records, no_rows, refusal
from finetune.data.written import Text
from finetune.errors import DataError

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile, Wanted

TAB = "\t"
DELIMITERS = {".csv": ",", ".tsv": TAB}

_QUOTES = 'Close every quoted cell, and write a quote inside one twice ("").'
_LENGTH = "Shorten the cell; a quote that is never closed makes one long, too."
_CELLS = "Quote cells that hold {!r} or a line break, and add or remove the cells that differ."
_PLAIN_CELLS = "With data.quotes=literal no cell can hold {!r} or a line break: take it out of the cells that do."
_SAMPLE_ROWS = 200  # from which it is judged whether the first record is a header
_SAMPLE_LENGTH = 2**20
_CHUNK_ROWS = 10_000

Parsed = tuple[Sequence[int], Mapping[str, Any]]  # the line on which every record starts, and columns of Arrow


def records(file: TableFile, wanted: Wanted) -> Records:
    """The records after the header, or all of them where columns are given by position.

    Raises SpecError for columns that are not there, and DataError for records of another width, for broken quotes, and
    for a quote that is text but was read as the start of a cell of many lines.
    """
    text, notes = read(file, wanted.encoding)
    literal = wanted.quotes == "literal"
    csv.field_size_limit(MAX_CELL)
    delimiter = _delimiter(text, DELIMITERS[file.suffix], literal=literal)
    if delimiter != DELIMITERS[file.suffix]:
        notes = (*notes, f"{file.name} is separated by {'tabs' if delimiter == TAB else repr(delimiter)}")
    first, sample = _beginning(text, delimiter, literal=literal)
    if not first:
        raise no_rows("is empty", file)
    if BREAK.search("".join(first)):
        _parsed(text, delimiter, {}, file=file, wanted=wanted)  # mostly a quote that is left open
    names = header.columns(first, sample, file=file, wanted=wanted)
    places = {name: names.index(name) for name in wanted.names.values()}
    quoted = not literal and text.holds(b'"')
    parsed = None if quoted else _unquoted(text, delimiter, places, width=len(first), aside=wanted.aside)
    starts, cells = parsed or _parsed(text, delimiter, places, file=file, wanted=wanted)
    if wanted.quotes == "auto" and quoted:
        label = next((names.index(wanted.names[role]) for role, kind in wanted.roles.items() if kind == "label"), None)
        quotes.refuse_swallowed(text, starts, delimiter=delimiter, width=len(first), file=file,
                                labels=None if label is None else (label, cells[names[label]]))
    has_header = names == first
    if len(starts) == has_header:
        raise no_rows("has a header but no rows", file)
    return Records(starts[has_header:], names, lambda name: cells[name].slice(has_header), notes)


def _reader(text: Text, delimiter: str, *, literal: bool, strict: bool = True) -> Any:
    if literal:
        return csv.reader(text.lines(), delimiter=delimiter, strict=strict, quoting=csv.QUOTE_NONE)
    return csv.reader(text.lines(), delimiter=delimiter, strict=strict)


def _delimiter(text: Text, usual: str, *, literal: bool) -> str:
    """What separates the cells: the usual mark, or the one that Excel writes in half of the world's countries.

    A table of one column cannot be learnt from, so nothing is lost where its only header holds another mark.
    """
    first, _ = _beginning(text, usual, literal=literal)
    others = (mark for mark in (";", TAB, ",") if len(first) == 1 and mark in first[0])
    return next(others, usual)


def _beginning(text: Text, delimiter: str, *, literal: bool) -> tuple[list[str], list[list[str]]]:
    """The first record that is not blank and a few more, however badly they are quoted."""
    sample = Text(text.head(_SAMPLE_LENGTH).encode())
    reader = _reader(sample, delimiter, literal=literal, strict=False)
    found: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # an over-long cell: the parser proper says where
        found.extend(itertools.islice(filter(None, reader), _SAMPLE_ROWS))
    return (found[0], found[1:]) if found else ([], [])


def _unquoted(text: Text, delimiter: str, places: Mapping[str, int], *, width: int,
              aside: Path | None) -> Parsed | None:
    """Text in which quotes mean nothing, through Arrow, which is four times as fast; None where it finds a fault."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    columns = [str(place) for place in range(width)]
    try:
        batches = arrow.open_csv(
            pa.BufferReader(text.buffer()), arrow.ReadOptions(column_names=columns, block_size=MAX_CELL // 2),
            arrow.ParseOptions(delimiter=delimiter, quote_char=False),
            arrow.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False,
                                 include_columns=list(dict.fromkeys(columns[place] for place in places.values()))))
        table = mapped.gathered(chain([batches.schema.empty_table()], map(pa.Table.from_batches, zip(batches))), aside)
    except pa.ArrowInvalid:
        return None
    starts: Sequence[int] = range(1, table.num_rows + 1)
    if text.has_blank_lines:
        starts = [number for number, line in enumerate(BREAK.split(text.whole()), 1) if line]
    cells = {name: table[columns[place]] for name, place in places.items()}
    return (starts, cells) if len(starts) == table.num_rows else None


def _parsed(text: Text, delimiter: str, places: Mapping[str, int], *, file: TableFile, wanted: Wanted) -> Parsed:
    """The line on which every record starts, and the cells of some columns; blank lines are passed over."""
    import pyarrow as pa

    starts, widths = array("q"), set[int]()
    schema = pa.schema([(name, pa.string()) for name in places])
    literal = wanted.quotes == "literal"

    def parts() -> Iterator[pa.Table]:
        yield schema.empty_table()
        for numbers, chunk in _chunks(_reader(text, delimiter, literal=literal)):
            rows = list(filter(None, chunk))
            starts.extend(numbers if len(rows) == len(chunk) else [
                number for number, row in zip(numbers, chunk, strict=True) if row])
            widths.update(map(len, rows))
            if len(widths) > 1:
                raise _refusal(text, delimiter, file=file, literal=literal)
            yield pa.table([list(map(operator.itemgetter(place), rows)) for place in places.values()], schema=schema)

    try:
        table = mapped.gathered(parts(), wanted.aside)
    except csv.Error:
        raise _refusal(text, delimiter, file=file, literal=literal) from None
    return starts, {name: table[name] for name in places}


def _chunks(reader: Any) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    """Records by the thousand, which leaves the memory of those that are done, each with the line where it starts."""
    start = 1
    while chunk := list(itertools.islice(reader, _CHUNK_ROWS)):
        end = reader.line_num
        numbers: Sequence[int] = range(start, end + 1)
        if len(numbers) != len(chunk):  # a cell has line breaks, which is where the further lines of its record are
            more = (sum(len(BREAK.findall(cell)) for cell in record) for record in chunk[:-1])
            numbers = list(itertools.accumulate((1 + breaks for breaks in more), initial=start))
        yield numbers, chunk
        start = end + 1


def _refusal(text: Text, delimiter: str, *, file: TableFile, literal: bool) -> DataError:
    """Every record that is broken or of another width than the first."""
    problems, width = Problems(), 0
    for number, record, error in _numbered(_reader(text, delimiter, literal=literal)):
        if error:
            remedy, what = _problem(error)
            if remedy == _QUOTES:
                remedy += quotes.way_out(text, delimiter, width=width)
            problems.setdefault(remedy, []).append((number, what))
            if remedy == _LENGTH:
                break  # what follows would be read from the middle of a cell
        elif not width:
            width = len(record)
        elif len(record) != width:
            what = f"{len(record):,} cell{'s' * (len(record) > 1)} found, {width} expected"
            problems.setdefault((_PLAIN_CELLS if literal else _CELLS).format(delimiter), []).append((number, what))
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
