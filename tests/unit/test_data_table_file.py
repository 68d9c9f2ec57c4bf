"""Files on disk, packed and in archives: names, formats and bytes."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from finetune.data.read import READERS, read_tables
from finetune.data.table_file import FORMATS, TAGGED, TableFile, Wanted

TEXT = {"text": "text", "label": "label"}
TABLE = b"text,label\nfine,good\ndull,bad\n"


@pytest.mark.parametrize(("name", "suffix"), [
    ("a.csv", ".csv"), ("A.CSV", ".csv"), ("a.b.json.gz", ".json"), ("rows", ""), ("x/t10k-images-idx3-ubyte.gz", ".idx"),
    ("train-images.idx3-ubyte", ".idx"), ("a.tar.gz", ".tar"),
])
def test_format_is_told_by_the_name(name, suffix):
    assert TableFile.at(Path(name), "k").suffix == suffix


def test_every_format_that_is_named_has_a_reader():
    assert {*FORMATS, *TAGGED, ".idx"} == set(READERS)


def test_packed_tables_give_the_rows_of_plain_ones(tmp_path):
    (tmp_path / "a.csv").write_bytes(TABLE)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TABLE))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/a.csv", TABLE)
        archive.writestr("in/a.csv.gz", gzip.compress(TABLE))
    places = [str(tmp_path / "a.csv"), str(tmp_path / "a.csv.gz"), f"{tmp_path}/a.zip::in/a.csv", f"{tmp_path}/a.zip::in/a.csv.gz"]
    files = [TableFile("a.csv" + ".gz" * place.endswith(".gz"), place, "k") for place in places]
    tables = [read_tables([file], Wanted(TEXT))[0].to_pydict() for file in files]
    assert [file.is_packed for file in files] == [False, True, True, True]
    for table in tables:
        assert table == tables[0] | {"row": table["row"]}


def test_files_follow_each_other_in_one_table(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number}.csv").write_bytes(TABLE)
    table, _ = read_tables([TableFile.at(tmp_path / f"{number}.csv", "k") for number in (2, 1)], Wanted(TEXT))
    assert table["row"].to_pylist() == ["2.csv:2", "2.csv:3", "1.csv:2", "1.csv:3"]
    assert table["text"].num_chunks == 1


def test_pictures_are_looked_for_beside_the_table(tmp_path):
    assert TableFile("a.csv", f"{tmp_path}/a.zip::in/a.csv", "k").folder == tmp_path / "a.zip"
    assert TableFile.at(tmp_path / "a.csv", "k").folder == tmp_path
