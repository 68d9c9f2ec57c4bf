"""Parquet, Arrow and Feather: every cell type that a role can be read from, pictures and class names included."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import feather, ipc, parquet

from finetune.data.images import open_image
from tests.reading import read_table

TEXT = {"text": "text", "label": "label"}
IMAGE = {"image": "image", "label": "label"}
ROWS = pa.table({"text": ["fine", "dull", None], "label": ["good", " ", "bad "], "other": [1, 2, 3]})


def write_stream(table: pa.Table, file: Path) -> None:
    with ipc.new_stream(str(file), table.schema) as opened:
        opened.write_table(table)


def write_file(table: pa.Table, file: Path) -> None:
    with ipc.new_file(str(file), table.schema) as opened:
        opened.write_table(table)


WRITERS = {
    "a.parquet": lambda table, file: parquet.write_table(table, file),
    "a.arrow": write_file,
    "stream.arrow": write_stream,
    "a.feather": lambda table, file: feather.write_feather(table, str(file)),
    "plain.feather": lambda table, file: feather.write_feather(table, str(file), version=1),
}


def read(file: Path, roles: dict[str, str] = TEXT, **columns: str) -> dict[str, list[Any]]:
    return read_table(file, columns=columns, roles=roles, key="data.files.train").to_pydict()


def png(color: str) -> bytes:
    opened = io.BytesIO()
    Image.new("RGB", (3, 3), color).save(opened, "PNG")
    return opened.getvalue()


@pytest.mark.parametrize("name", WRITERS)
def test_rows_are_numbered_from_0_and_read_as_from_a_text_file(tmp_path, name):
    WRITERS[name](ROWS, tmp_path / name)
    table = read(tmp_path / name)
    assert table["row"] == [f"{name}:0", f"{name}:1", f"{name}:2"]
    assert (table["text"], table["label"]) == (["fine", "dull", ""], ["good", None, "bad"])
    assert list(table) == ["row", "hash", "text", "label"]


def test_parquet_and_csv_of_the_same_rows_have_the_same_hashes(tmp_path):
    parquet.write_table(ROWS, tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("text,label\nfine,good\ndull,\n,bad\n")
    assert read(tmp_path / "a.parquet")["hash"] == read(tmp_path / "a.csv")["hash"]


@pytest.mark.parametrize(("cells", "expected"), [
    (pa.array([1, None, 3], pa.int8()), ["1", None, "3"]),
    (pa.array([1.0, float("nan"), 2.5]), ["1", None, "2.5"]),
    (pa.array([True, False, None]), ["true", "false", None]),
    (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
    (pa.array(["a", None, "b"], pa.large_string()), ["a", None, "b"]),
    (pa.array(["a", None, "b"], pa.string_view()), ["a", None, "b"]),
    (pa.array([datetime.date(2026, 1, 2)] * 3), ["2026-01-02"] * 3),
    (pa.nulls(3), [None, None, None]),
])
def test_labels_of_every_type_become_words(tmp_path, cells, expected):
    parquet.write_table(pa.table({"text": ["a", "b", "c"], "label": cells}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")["label"] == expected


def test_classes_that_datasets_has_written_come_out_as_names(tmp_path):
    tone = datasets.ClassLabel(names=["negative", "positive"])
    made = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}).cast_column("label", tone)
    made.to_parquet(str(tmp_path / "a.parquet"))
    made.save_to_disk(str(tmp_path / "saved"))
    assert read(tmp_path / "a.parquet")["label"] == ["positive", "negative", None]
    stream = next((tmp_path / "saved").glob("*.arrow"))
    assert read(stream)["label"] == ["positive", "negative", None]


def test_classes_of_which_the_file_has_no_names_stay_numbers(tmp_path):
    table = pa.table({"text": ["a", "b"], "label": [0, 1]}).replace_schema_metadata({"huggingface": "{broken"})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")["label"] == ["0", "1"]


def test_pictures_that_datasets_has_written_are_read_from_the_file(tmp_path):
    pictures = [{"bytes": png("red"), "path": None}, {"bytes": png("blue"), "path": "b.png"}]
    made = datasets.Dataset.from_dict({"image": pictures, "label": ["r", "b"]}).cast_column("image", datasets.Image())
    made.to_parquet(str(tmp_path / "a.parquet"))
    table = read(tmp_path / "a.parquet", IMAGE)
    assert [open_image(cell).getpixel((0, 0)) for cell in table["image"]] == [(255, 0, 0), (0, 0, 255)]


def test_plain_binaries_are_pictures_and_plain_texts_name_them(tmp_path):
    (tmp_path / "1.png").write_bytes(png("red"))
    parquet.write_table(pa.table({"image": [png("red")], "label": ["r"]}), tmp_path / "held.parquet")
    parquet.write_table(pa.table({"image": ["1.png"], "label": ["r"]}), tmp_path / "named.parquet")
    held, named = read(tmp_path / "held.parquet", IMAGE), read(tmp_path / "named.parquet", IMAGE)
    assert held["image"] == [png("red")]
    assert named["image"] == [str(tmp_path / "1.png")]
    assert held["hash"] == named["hash"]


def test_paths_without_bytes_are_looked_for_on_disk(tmp_path):
    (tmp_path / "1.png").write_bytes(png("red"))
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    cells = pa.array([{"bytes": None, "path": "1.png"}], kind)
    parquet.write_table(pa.table({"image": cells, "label": ["r"]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", IMAGE)["image"] == [str(tmp_path / "1.png")]


def test_other_columns_are_not_looked_at(tmp_path):
    table = ROWS.append_column("heavy", pa.array([[1.0], [2.0], None]))
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", text="other")["text"] == ["1", "2", "3"]
