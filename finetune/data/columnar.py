"""Parquet, Arrow and Feather: columns with types, read without a detour through Python; only wanted ones are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from finetune import mapped
from finetune.data import locators, squad
from finetune.data.decode import MAX_CELL
from finetune.data.header import require
from finetune.data.records import LISTS, Records, no_rows
from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.data.table_file import TableFile, Wanted

_BATCH_ROWS = 8192


def records(file: TableFile, wanted: Wanted) -> Records:
    """The rows, numbered from 0 as every tool for these formats does.

    Classes that `datasets` has written as numbers come out as names, -1 as no label. Raises SpecError for columns that
    are not there, DataError for a damaged file and for columns of a type that no role can be read from.
    """
    import pyarrow as pa

    table = _table(file, wanted)
    if not table.num_rows:
        raise no_rows("has no rows", file)
    classes = _classes(table.schema)
    pictures = [wanted.names[role] for role, kind in wanted.roles.items() if kind == "image"]
    lists = [wanted.names[role] for role, kind in wanted.roles.items() if kind in LISTS]
    answers = [wanted.names[role] for role, kind in wanted.roles.items() if kind == "answers"]

    def column(name: str) -> Any:
        if name in answers and pa.types.is_nested(table[name].type):
            places = [f"{file.name}:{number}" for number in range(table.num_rows)]
            return squad.parse(table[name].to_pylist(), places, column=name, key=file.key)
        if name in pictures:
            return _pictures(table[name], name, file=file)
        if name in lists and pa.types.is_nested(table[name].type):
            return _lists(table[name], name, names=classes.get(name), file=file)
        if name in classes and pa.types.is_integer(table[name].type):
            return _named(table[name], classes[name])
        return _strings(table[name], name, file=file)

    return Records(range(table.num_rows), table.column_names, column)


def _table(file: TableFile, wanted: Wanted) -> pa.Table:
    """The wanted columns; a file on disk is mapped, not loaded."""
    import pyarrow as pa

    is_parquet = file.suffix == ".parquet"
    source = pa.BufferReader(file.read()) if file.is_packed else _opened(file)
    try:
        return _parquet(source, file, wanted) if is_parquet else _arrow(source, file, wanted)
    except locators.UnreadableError as error:
        raise DataError(file.key, f"{file.name} cannot be read ({error}). Write it with its own rows alone.") from error
    except (pa.ArrowException, OSError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        what = "Parquet" if is_parquet else "Arrow"
        raise DataError(file.key, f"{file.name} is not a readable {what} file ({reason}). Write it again.") from error


def _opened(file: TableFile) -> Any:
    import pyarrow as pa

    try:
        if not locators.size(file.locator):
            raise no_rows("is empty", file)
        return pa.memory_map(file.locator)
    except (locators.UnreadableError, OSError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise DataError(file.key, f"{file.name} cannot be read ({reason}). Make it readable.") from error


def _parquet(source: Any, file: TableFile, wanted: Wanted) -> pa.Table:
    from pyarrow import parquet

    opened = parquet.ParquetFile(source)
    names = _distinct(opened.schema_arrow.names, file, wanted)
    _refuse_packed(opened.metadata)
    if not opened.metadata.num_rows:
        return opened.read(columns=names)
    return mapped.gathered(_batches(opened, names, packed=source.size()), wanted.aside)


def _batches(opened: Any, names: Sequence[str], *, packed: int) -> Iterator[pa.Table]:
    import pyarrow as pa

    size = 0
    for batch in opened.iter_batches(_BATCH_ROWS, columns=names):
        size += batch.nbytes
        locators.refuse_bomb(size, packed=packed)
        yield pa.Table.from_batches([batch])


def _refuse_packed(metadata: Any) -> None:
    """UnreadableError for parts of columns that say themselves that they are bombs."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            locators.refuse_bomb(column.total_uncompressed_size, packed=column.total_compressed_size)


def _distinct(header: Sequence[str], file: TableFile, wanted: Wanted) -> list[str]:
    """The names of the wanted columns, each of which the file has once."""
    require(header, file=file, wanted=wanted)
    names = list(dict.fromkeys(wanted.names.values()))
    twice = [name for name in names if header.count(name) > 1]
    if twice:
        raise DataError(file.key, f"{file.name} has more than one column named {some(map(repr, twice))}, names must "
                                  "differ. Rename or remove the copies.")
    return names


def _arrow(source: Any, file: TableFile, wanted: Wanted) -> pa.Table:
    """Both containers: `datasets` writes streams into its cache, everyone else files."""
    from pyarrow import feather, ipc

    magic = source.read(6)
    source.seek(0)
    if magic == b"ARROW1":
        table = ipc.open_file(source).read_all()
    elif magic.startswith(b"FEA1"):  # Feather of 2016
        table = feather.read_table(source)
    else:
        table = ipc.open_stream(source).read_all()
    return table.select(_distinct(table.column_names, file, wanted))


def _classes(schema: pa.Schema) -> dict[str, Sequence[str]]:
    """Column to class names, of lists too, as `datasets` (5.0) keeps them in the metadata of a file."""
    kept = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(kept)["info"]["features"] if kept else {}
    except (ValueError, KeyError, TypeError):
        return {}
    found = {name: feature.get("feature", feature) for name, feature in features.items() if isinstance(feature, dict)}
    return {name: feature["names"] for name, feature in found.items() if isinstance(feature, dict)
            and feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list)}


def _named(column: Any, names: Sequence[str]) -> Any:
    """Class numbers as names; the number -1, which test sets without labels have, as null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.cast(column, pa.int64())
    inside = pc.and_(pc.greater_equal(places, 0), pc.less(places, len(names)))
    return pc.take(pa.array(names, pa.string()), pc.if_else(inside, places, pa.scalar(None, pa.int64())))


def _lists(column: Any, name: str, *, names: Sequence[str] | None, file: TableFile) -> Any:
    """Lists of texts or numbers as list<string>, those of classes by their names."""
    import pyarrow as pa

    kind = column.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not is_list or pa.types.is_nested(kind.value_type) or pa.types.is_binary(kind.value_type):
        raise DataError(file.key, f"{file.name}: column {name!r} holds {kind}, lists of text are expected. Name "
                                  "another column, or write it as lists.")
    chunks = column.cast(pa.list_(kind.value_type)).chunks
    if names is None or not pa.types.is_integer(kind.value_type):
        return pa.chunked_array([chunk.cast(pa.list_(pa.string())) for chunk in chunks], pa.list_(pa.string()))
    spelt = [[None if cell is None else [names[place] for place in cell if 0 <= place < len(names)]
              for cell in chunk.to_pylist()] for chunk in chunks]
    return pa.chunked_array(spelt, pa.list_(pa.string()))


def _strings(column: Any, name: str, *, file: TableFile) -> Any:
    """Text as it is; numbers, truth values, dates and categories as they are written; what is not a number as null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = _written_out(column, name, file=file), kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise DataError(file.key, f"{file.name}: column {name!r} holds {kind}, text or numbers are expected. Name "
                                  "another column, or write it as text.")
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise DataError(file.key, f"{file.name}: column {name!r} is damaged ({error}). Write it again.") from error
    texts = column.cast(pa.string())
    is_long = pc.greater(pc.utf8_length(texts), MAX_CELL)
    if pc.any(is_long).as_py():
        raise DataError(file.key, f"{file.name}:{pc.index(is_long, True).as_py()}: column {name!r} holds more than the "
                                  f"{MAX_CELL:,} characters allowed. Shorten the cell, or leave it out.")
    return texts


def _written_out(column: Any, name: str, *, file: TableFile) -> Any:
    """Categories as what they stand for, unless a few of them stand for more text than any table has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        sizes = (pc.take(pc.binary_length(chunk.dictionary), chunk.indices) for chunk in column.chunks)
        try:
            locators.refuse_bomb(sum(pc.sum(size).as_py() or 0 for size in sizes), packed=column.nbytes)
        except locators.UnreadableError as error:
            raise DataError(file.key, f"{file.name}: column {name!r} is {error}. Write each text once.") from error
    return column.cast(kind)


def _pictures(column: Any, name: str, *, file: TableFile) -> Any:
    """Encoded pictures as binaries, or paths as strings; `datasets` writes both as {bytes, path}."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_struct(kind) and {field.name for field in kind} == {"bytes", "path"}:
        content, paths = pc.struct_field(column, "bytes"), pc.struct_field(column, "path")
        return content if content.null_count < len(content) else paths
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return column
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string())
    raise DataError(file.key, f"{file.name}: column {name!r} holds {kind}; encoded pictures, names of picture files, "
                              f"or what `datasets` writes (bytes, path) are expected. Name another column.")
