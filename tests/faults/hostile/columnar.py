"""Parquet and Arrow files that are cut, lie, or hold what no row can be; and pickles in place of data."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import feather, ipc, parquet

from tests.faults.hostile.case import Case, Dropped, Read, good_tables, photo, refused, table

TEXT = ("a grey day on the moor",)
ROWS = pa.table({"text": list(TEXT), "label": ["bad"]})


def cases() -> list[Case]:
    """All of them."""
    return [*cut(), *patched(), *types(), *large(), *pickles()]


def of(rows: pa.Table, suffix: str, **options: object) -> bytes:
    """A table as Parquet or Arrow."""
    opened = io.BytesIO()
    (parquet.write_table if suffix == "parquet" else feather.write_feather)(rows, opened, **options)
    return opened.getvalue()


def cut() -> list[Case]:
    """Both formats, cut at a share of their bytes, empty, of zeros, and as each other."""
    found = []
    for suffix, other in (("parquet", "arrow"), ("arrow", "parquet")):
        whole = good_tables()[suffix]
        found += [table(f"{suffix} cut to {share} %", suffix, whole[:len(whole) * share // 100], refused("is not a readable"))
                  for share in (1, 10, 25, 50, 75, 90, 99)]
        found += [table(f"{suffix} of no bytes", suffix, b"", refused("is empty")), table(f"{suffix} of zeros", suffix, bytes(900), refused("is not a readable")),
                  table(f"{suffix} that is {other}", suffix, good_tables()[other], refused("is not a readable")),
                  table(f"{suffix} that is a table of text", suffix, good_tables()["csv"], refused("is not a readable")),
                  table(f"{suffix} of a mark alone", suffix, b"PAR1" if suffix == "parquet" else b"ARROW1", refused("is not a readable")),
                  table(f"{suffix} without rows", suffix, of(ROWS.slice(0, 0), suffix), refused("has no rows")),
                  table(f"{suffix} of other columns", suffix, of(ROWS.rename_columns(["a", "b"]), suffix), refused("no column 'text'")),
                  table(f"{suffix} of one name twice", suffix, twice(suffix), refused("'text'"))]
    return found


def twice(suffix: str) -> bytes:
    """A table with two columns of one name."""
    return of(pa.table([pa.array(["a"]), pa.array(["b"]), pa.array(["bad"])], names=["text", "text", "label"]), suffix, **(
        {"version": 2} if suffix == "arrow" else {}))


def patched() -> list[Case]:
    """Bytes turned here and there: refused or read, never a crash."""
    found = []
    for suffix in ("parquet", "arrow"):
        whole = of(ROWS, suffix, compression="NONE" if suffix == "parquet" else "uncompressed")
        footer = struct.pack("<I", 2**31 - 1)
        place = -8 if suffix == "parquet" else -10
        found += [
            table(f"{suffix} whose footer is said to be 2 GiB", suffix, whole[:place] + footer + whole[place + 4:], refused("is not a readable")),
            table(f"{suffix} whose footer is said to be empty", suffix, whole[:place] + bytes(4) + whole[place + 4:], refused("is not a readable")),
            table(f"{suffix} with another mark", suffix, b"XXXX" + whole[4:-4] + b"XXXX", refused("is not a readable")),
            table(f"{suffix} with zeros in its footer", suffix, whole[:place - 60] + bytes(60) + whole[place:], refused("is not a readable")),
        ]
    return found


def types() -> list[Case]:
    """Columns of types that no role can be read from, and some that can."""
    def rows(column: pa.Array) -> pa.Table:
        return pa.table({"text": column, "label": ["bad"] * len(column)})

    kinds: dict[str, tuple[pa.Array, object]] = {
        "lists": (pa.array([["a"]]), refused("holds list")), "structs": (pa.array([{"a": 1}]), refused("holds struct")), "maps": (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), refused("holds map")),
        "binaries": (pa.array([b"a"]), refused("holds binary")), "nulls": (pa.nulls(1), Read(("",))), "numbers": (pa.array([2**62]), Read((str(2**62),))),
        "floats that are none": (pa.array([float("nan"), float("inf")]), Read(("", "inf"))), "truth": (pa.array([True]), Read(("true",))),
        "categories": (pa.array(["a grey day"]).dictionary_encode(), Read(("a grey day",))), "large text": (pa.array(list(TEXT), pa.large_string()), Read(TEXT)),
        "text that is no UTF-8": (pa.array([b"a\xff\xfeb"], pa.binary()).view(pa.string()), refused("is damaged", "UTF8")), "dates": (pa.array([0], pa.date32()), Read(("1970-01-01",))),
        "views of text": (pa.array(list(TEXT), pa.string_view()), Read(TEXT)), "numbers of 38 digits": (pa.array([10**37], pa.decimal128(38, 0)), Read((str(10**37),))),
    }
    return [table(f"{suffix} of {name}", suffix, of(rows(column), suffix), expected) for name, (column, expected) in kinds.items()
            for suffix in ("parquet", "arrow") if (name, suffix) not in {("views of text", "parquet")}]


def large() -> list[Case]:
    """Few bytes that stand for many rows."""
    def repeated(num_rows: int) -> pa.Table:
        places = pa.array(np.zeros(num_rows, np.int32))
        return pa.table({name: pa.DictionaryArray.from_arrays(places, [cell]) for name, cell in (("text", "a" * 10_000), ("label", "bad"))})

    def endless(file: Path) -> None:
        parquet.write_table(pa.table({"text": ["a" * 200_000_000], "label": ["bad"]}), file, compression="zstd")

    lying = bytearray(stream_of(ROWS))
    place = lying.index(struct.pack("<I", 0xFFFFFFFF))
    lying[place + 4:place + 8] = struct.pack("<I", 2**31 - 1)
    return [
        table("parquet of 100,000 rows of one text of 10,000 letters", "parquet", lambda file: parquet.write_table(repeated(100_000), file), refused("a bomb")),
        table("parquet with a cell of 200 MB", "parquet", endless, refused("a bomb")),
        table("arrow whose message is said to be 2 GiB", "arrow", bytes(lying), refused("is not a readable")),
    ]


def stream_of(rows: pa.Table) -> bytes:
    """A table as a stream of Arrow, as `datasets` keeps it."""
    opened = io.BytesIO()
    with ipc.new_stream(opened, rows.schema) as stream:
        stream.write_table(rows)
    return opened.getvalue()


class Payload:
    """What a pickle runs when it is opened: a file in the working folder says that it was."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("unpickled",)


def pickles() -> list[Case]:
    """Pickles of all protocols, of numpy and of torch, under the suffix of data: never opened as what they are."""
    archive, objects = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:  # as torch.save writes
        made.writestr("model/data.pkl", pickle.dumps(Payload()))
        made.writestr("model/version", "3\n")
    np.save(objects, np.array([Payload()], object), allow_pickle=True)
    kinds = {f"pickle of protocol {protocol}": pickle.dumps(Payload(), protocol) for protocol in (0, 2, 4, 5)}
    kinds |= {"file of torch": archive.getvalue(), "array of objects": objects.getvalue()}
    found = [table(f"{name} called .{suffix}", suffix, content, refused()) for name, content in kinds.items()
             for suffix in ("csv", "json", "jsonl", "parquet", "arrow")]
    return [*found, *(photo(f"{name} called .png", content, Dropped("not an image"), "hostile.png") for name, content in kinds.items()),
            table("parquet with a pickle in its metadata", "parquet", of(ROWS.replace_schema_metadata(
                {b"pandas": pickle.dumps(Payload()), b"huggingface": pickle.dumps(Payload())}), "parquet"), Read(TEXT)),
            table("parquet with features that lie", "parquet", of(ROWS.replace_schema_metadata(
                {b"huggingface": b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": 7}}}}'}), "parquet"), Read(TEXT))]
