"""Files of rows become Arrow tables of one shape, whatever their format, or one error that lists what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from finetune import mapped
from finetune.contracts import SPLIT_ROLES
from finetune.data import (
    columnar,
    conll,
    delimited,
    idx,
    json_rows,
    label_lists,
    lines,
    lookup,
    numbers,
    squad,
    tags,
)
from finetune.data import images as pictures
from finetune.data.records import Records
from finetune.data.table_file import TAGGED, TableFile, Wanted
from finetune.errors import DataError, SpecError, some

if TYPE_CHECKING:
    import pyarrow as pa

READERS: Mapping[str, Callable[[TableFile, Wanted], Records]] = {
    ".csv": delimited.records, ".tsv": delimited.records, ".json": json_rows.records, ".jsonl": json_rows.records,
    ".ndjson": json_rows.records, ".parquet": columnar.records, ".arrow": columnar.records,
    ".feather": columnar.records, ".idx": idx.records, **dict.fromkeys(TAGGED, conll.records),
}

_PIECE_ROWS = 10_000


def read_tables(files: Sequence[TableFile], wanted: Wanted) -> tuple[pa.Table, list[str]]:
    """A table of `row` (`file:number`), `hash` (sha256 of the content) and one column per role, and notes for the user.

    `number` is the line on which a record starts, or its position: in JSON from 1, in Parquet, Arrow and idx from 0.
    Columns of numbers are floats, pictures that the files themselves hold binaries, lists of labels, words and tags
    lists of strings, answers structs of lists, all others strings. Blank labels, groups and times are null, other cells
    are kept as they are. Pictures are found in `wanted.images`, else beside the file; they are not decoded.

    Raises SpecError for columns that a file lacks, DataError for all else that is wrong.
    """
    read = [_read(file, wanted) for file in files]
    tables = [table for table, _ in read]
    notes = [note for _, found in read for note in found]
    kinds = {str(table.schema.types) for table in tables}
    if len(kinds) > 1:
        raise DataError(files[0].key, f"some of {some([file.name for file in files])} hold pictures, others name them. "
                                      "Give files of one kind.")
    return mapped.gathered(tables, wanted.aside), notes


def _read(file: TableFile, wanted: Wanted) -> tuple[pa.Table, list[str]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    records = _records(file, wanted)
    places = pa.array(records.numbers, pa.int64()).cast(pa.string())
    rows = pc.binary_join_element_wise(pa.scalar(file.name), places, ":")
    cells: dict[str, Any] = {}
    notes = list(records.notes)
    for role, kind in wanted.roles.items():
        if kind == "labels":
            cells[role] = _label_lists(records, rows, role, file=file, wanted=wanted)
            continue
        found = records.column(wanted.names[role])
        if kind in ("label", *SPLIT_ROLES.values()):
            trimmed = pc.utf8_trim_whitespace(found)
            found = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
        elif kind == "number":
            found = numbers.parse(found.to_pylist(), rows.to_pylist(), column=wanted.names[role], key=file.key)
        elif kind in ("tokens", "tags", "answers"):
            found, said = _nested(found, rows.to_pylist(), role, file=file, wanted=wanted, words=cells.get("tokens"))
            notes += said
        elif kind == "image":
            found, said = _pictures(found, rows, file=file, wanted=wanted)
            notes += said
        else:
            found = pc.fill_null(found, "")
        cells[role] = found
    images = [cells[role] for role, kind in wanted.roles.items() if kind == "image"]
    if images:
        hashes = pa.array(pictures.hashes(images[0].to_pylist()), pa.string())
    else:
        texts = [pc.binary_join(cells[role], " ") if kind == "tokens" else cells[role].cast(pa.string())
                 for role, kind in wanted.roles.items() if kind in ("text", "tokens")]
        hashes = _hashes(texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "\x1f"))
    return pa.table({"row": rows, "hash": hashes, **cells}), notes


def _records(file: TableFile, wanted: Wanted) -> Records:
    read, several = READERS[file.suffix] if file.label is None else lines.records, label_lists.per_column(wanted)
    try:
        return read(file, label_lists.spread(wanted))
    except SpecError as error:  # in the words of the key that the user has typed
        problems = list(error.problems)
        for role, name in ((role, name) for role, names in several.items() for name in names):
            problems = [problem.replace(f"data.columns.{role}.{name}", f"data.columns.{role}") for problem in problems]
        raise SpecError(problems) from error


def _nested(found: Any, rows: list[str], role: str, *, file: TableFile, wanted: Wanted,
            words: Any) -> tuple[Any, tuple[str, ...]]:
    """Words, the tags of words that have been read before, or answers; and what the user must know of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = wanted.roles[role]
    if kind == "tokens":
        return tags.words(found, file=file.name, key=file.key), ()
    if kind == "tags":
        lengths = pc.list_value_length(words).to_pylist()
        return tags.read(found, rows, lengths=lengths, file=file.name, key=file.key)
    if pa.types.is_string(found.type):  # of a table of text
        found = squad.parse(found.to_pylist(), rows, column=wanted.names[role], key=file.key)
    return found, ()


def _label_lists(records: Records, rows: Any, role: str, *, file: TableFile, wanted: Wanted) -> Any:
    places, name = rows.to_pylist(), wanted.names[role]
    if several := label_lists.per_column(wanted).get(role):
        return label_lists.gather({label: records.column(label).to_pylist() for label in several}, places, key=file.key)
    return label_lists.parse(records.column(name), places, column=name, key=file.key)


def _hashes(texts: Any) -> Any:
    """The sha256 of every text; only some at a time are in Python's memory."""
    import pyarrow as pa

    whole = texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts])
    pieces = (whole.slice(start, _PIECE_ROWS).cast(pa.binary()) for start in range(0, len(whole), _PIECE_ROWS))
    return pa.chunked_array(([hashlib.sha256(text).hexdigest() for text in piece.to_pylist()] for piece in pieces),
                            pa.string())


def _pictures(found: Any, rows: Any, *, file: TableFile, wanted: Wanted) -> tuple[Any, tuple[str, ...]]:
    """Locators of pictures that are named, or pictures that the table holds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    notes: tuple[str, ...] = ()
    if pa.types.is_string(found.type):
        named = pc.fill_null(found, "").to_pylist()
        located, notes = lookup.locate(named, rows.to_pylist(), source=wanted.images, beside=file.folder, key=file.key)
        found = pa.array(located, pa.string())
    elif wanted.images:
        raise SpecError([f"data.images: {file.name} holds its pictures itself. Leave it out."])
    elif found.null_count:
        missing = pc.filter(rows, pc.is_null(found)).to_pylist()
        without = f"{len(missing):,} of {len(found):,} rows have no picture: {some(missing)}"
        raise DataError(file.key, f"{without}. Remove them.")
    else:
        found = found.cast(pa.binary())
    return found, notes
