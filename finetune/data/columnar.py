"""Parquet, Arrow and Feather: columns with types, read without a detour through Python; only wanted ones are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.header import require
from finetune.data.records import Records, no_rows
from finetune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.data.table_file import TableFile, Wanted


def records(file: TableFile, wanted: Wanted) -> Records:
    """The rows, numbered from 0 as every tool for these formats does.

    Classes that `datasets` has written as numbers come out as names, -1 as no label. Raises SpecError for columns that
    are not there, DataError for a damaged file and for columns of a type that no role can be read from.
    """
    table = _table(file, wanted)
    if not table.num_rows:
        raise no_rows("has no rows", file)
    classes = _classes(table.schema)
    pictures = [wanted.names[role] for role, kind in wanted.roles.items() if kind == "image"]

    def column(name: str) -> Any:
        if name in pictures:
            return _pictures(table[name], name, file=file)
        return _named(table[name], classes[name]) if name in classes else _strings(table[name], name, file=file)

    return Records(range(table.num_rows), table.column_names, column)


def _table(file: TableFile, wanted: Wanted) -> pa.Table:
    """The wanted columns; a file on disk is mapped, not loaded."""
    import pyarrow as pa

    is_parquet = file.suffix == ".parquet"
    source = pa.BufferReader(file.read()) if file.is_packed else _opened(file)
    try:
        return _parquet(source, file, wanted) if is_parquet else _arrow(source, file, wanted)
    except (pa.ArrowException, OSError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        what = "Parquet" if is_parquet else "Arrow"
        raise DataError(file.key, f"{file.name} is no readable {what} file ({reason}). Write it again.") from error


def _opened(file: TableFile) -> Any:
    import pyarrow as pa

    try:
        if not Path(file.locator).stat().st_size:
            raise no_rows("is empty", file)
        return pa.memory_map(file.locator)
    except OSError as error:
        raise DataError(file.key, f"{file.name} cannot be read ({error.strerror}). Make it readable.") from error


def _parquet(source: Any, file: TableFile, wanted: Wanted) -> pa.Table:
    from pyarrow import parquet

    opened = parquet.ParquetFile(source)
    require(opened.schema_arrow.names, file=file, wanted=wanted)
    return opened.read(columns=list(dict.fromkeys(wanted.names.values())))


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
    require(table.column_names, file=file, wanted=wanted)
    return table.select(list(dict.fromkeys(wanted.names.values())))


def _classes(schema: pa.Schema) -> dict[str, Sequence[str]]:
    """Column to class names, as `datasets` (5.0) keeps them in the metadata of a file."""
    kept = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(kept)["info"]["features"] if kept else {}
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: feature["names"] for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature}


def _named(column: Any, names: Sequence[str]) -> Any:
    """Class numbers as names; the number -1, which test sets without labels have, as null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.cast(column, pa.int64())
    inside = pc.and_(pc.greater_equal(places, 0), pc.less(places, len(names)))
    return pc.take(pa.array(names, pa.string()), pc.if_else(inside, places, pa.scalar(None, pa.int64())))


def _strings(column: Any, name: str, *, file: TableFile) -> Any:
    """Text as it is; numbers, truth values, dates and categories as they are written; what is not a number as null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise DataError(file.key, f"{file.name}: column {name!r} holds {kind}, text or numbers are expected. Name "
                                  "another column, or write it as text.")
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    return column.cast(pa.string())


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
