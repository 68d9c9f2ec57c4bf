"""Bad files of every format and packing: every message names the file and the way out."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from finetune.data import locators, sources
from finetune.errors import DataError, FinetuneError, SpecError
from finetune.spec import Data, Files, Hub

TEXT = {"text": "text", "label": "label"}
IMAGE = {"image": "image", "label": "label"}
KEY = "data.files.train"
TABLE = b"text,label\nfine,good\ndull,bad\n"


def refusal(train: Path, kind: type[FinetuneError] = DataError, roles: dict[str, str] = TEXT, **settings: object) -> str:
    files = Files(train=str(train), **{split: str(settings.pop(split)) for split in ("validation", "test") if split in settings})
    data = replace(Data(hub=Hub(name="me/x"), sample="reviews", files=files), **settings)
    with pytest.raises(kind) as caught:
        sources.read(data, "files", roles)
    return str(caught.value)


def written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def zipped(file: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file


def encoded(table: pa.Table, name: str) -> bytes:
    opened = io.BytesIO()
    if name.endswith(".parquet"):
        parquet.write_table(table, opened)
    else:
        feather.write_feather(table, opened)
    return opened.getvalue()


ROWS = pa.table({"text": ["fine", "dull"], "label": ["good", "bad"]})


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather"])
def test_empty_columnar_file_is_refused(tmp_path, name):
    assert refusal(written(tmp_path / name, b"")) == (
        f"{KEY}: {name} is empty, at least one row is needed. Add rows, or name another file.")
    assert f"{KEY}: {name} has no rows" in refusal(written(tmp_path / name, encoded(ROWS.slice(0, 0), name)))


@pytest.mark.parametrize(("name", "what"), [("a.parquet", "Parquet"), ("a.arrow", "Arrow"), ("a.feather", "Arrow")])
@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: b"text,label\n" * 20, lambda raw: raw[:4] + b"\0" * 200])
def test_unreadable_columnar_file_is_named(tmp_path, name, what, damage):
    message = refusal(written(tmp_path / name, damage(encoded(ROWS, name))))
    assert message.startswith(f"{KEY}: {name} is not a readable {what} file (")
    assert message.endswith("Write it again.")


def test_missing_column_of_a_parquet_file_names_those_there_are(tmp_path):
    file = written(tmp_path / "a.parquet", encoded(ROWS, "a.parquet"))
    assert refusal(file, SpecError, columns={"text": "txt"}) == (
        "data.columns.text: a.parquet has no column 'txt'. Columns: text, label. Did you mean 'text'? Add "
        "data.columns.text=NAME.")
    assert "0 is a position, which counts in a CSV or TSV file without header" in refusal(
        file, SpecError, columns={"text": "0", "label": "1"})


@pytest.mark.parametrize("cells", [[["a"], ["b"]], [{"x": 1}, {"x": 2}], [b"a", b"b"]])
def test_parquet_column_of_a_type_without_words_is_refused(tmp_path, cells):
    file = written(tmp_path / "a.parquet", encoded(pa.table({"text": cells, "label": ["a", "b"]}), "a.parquet"))
    assert "a.parquet: column 'text' holds " in refusal(file)
    assert "text or numbers are expected. Name another column, or write it as text." in refusal(file)


def test_parquet_pictures_that_are_missing_or_numbers_are_refused(tmp_path):
    missing = pa.table({"image": pa.array([None, b"x", None], pa.binary()), "label": ["a", "b", "c"]})
    file = written(tmp_path / "a.parquet", encoded(missing, "a.parquet"))
    assert "2 of 3 rows have no picture: a.parquet:0, a.parquet:2. Remove them." in refusal(file, roles=IMAGE)
    numbers = pa.table({"image": [[1, 2]], "label": ["a"]})
    file = written(tmp_path / "a.parquet", encoded(numbers, "a.parquet"))
    assert "column 'image' holds list<element: int64>; encoded pictures" in refusal(file, roles=IMAGE)


@pytest.mark.parametrize("content", [b"text,label\nfine,good\n", gzip.compress(TABLE)[:-12], gzip.compress(TABLE)[:15] + b"\xff" * 9])
def test_unreadable_gzip_is_named(tmp_path, content):
    message = refusal(written(tmp_path / "a.csv.gz", content))
    assert message.startswith(f"{KEY}: a.csv.gz cannot be read (")
    assert message.endswith("Unpack it and name what was in it.")


def test_empty_file_in_a_gzip_is_refused(tmp_path):
    assert "a.csv.gz is empty" in refusal(written(tmp_path / "a.csv.gz", gzip.compress(b"")))


def test_what_unpacks_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(locators, "MAX_BYTES", 10_000)
    bomb = b"text,label\n" + b"0" * 100_000
    assert "a.csv.gz cannot be read (too large: more than 10,000 bytes when unpacked)" in refusal(
        written(tmp_path / "a.csv.gz", gzip.compress(bomb)))
    assert "a.csv cannot be read (too large: 100,011 bytes, at most 10,000)" in refusal(
        zipped(tmp_path / "a.zip", ("a.csv", bomb)))


def test_zip_member_that_holds_more_than_it_says_is_refused(tmp_path):
    file = zipped(tmp_path / "a.zip", ("a.csv", TABLE + b"so so,bad\n" * 1000))
    raw = file.read_bytes()
    size = (len(TABLE) + 10_000).to_bytes(4, "little")
    assert raw.count(size) == 2  # in the head of the member and in the directory
    message = refusal(written(file, raw.replace(size, (20).to_bytes(4, "little"))))
    assert f"{KEY}: a.csv cannot be read (" in message


def test_file_that_is_called_zip_and_is_none_is_named(tmp_path):
    assert f"{tmp_path}/a.zip is not a readable zip (" in refusal(written(tmp_path / "a.zip", TABLE))


def test_zip_with_a_password_is_refused(tmp_path):
    file = zipped(tmp_path / "a.zip", ("a.csv", TABLE))
    raw = bytearray(file.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    message = refusal(written(file, bytes(raw)))
    assert "a.zip: 1 of 1 members are refused: 'a.csv' (encrypted)." in message
    assert "Pack it without the others." in message


@pytest.mark.parametrize("member", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "C:\\a.csv"])
def test_zip_of_tables_that_leads_elsewhere_is_refused(tmp_path, member):
    message = refusal(zipped(tmp_path / "a.zip", ("b.csv", TABLE), (member, TABLE)))
    assert f"a.zip: 1 of 2 members are refused: {member!r} (" in message
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_damaged_member_of_a_zip_is_named(tmp_path):
    file = zipped(tmp_path / "a.zip", ("rows.csv", os.urandom(500)))
    raw = bytearray(file.read_bytes())
    raw[100] ^= 0xFF
    assert f"{KEY}: rows.csv cannot be read (" in refusal(written(file, bytes(raw)))


def test_lines_in_two_encodings_of_which_one_is_unknown_are_listed(tmp_path):
    film = "\u041e\u0447\u0435\u043d\u044c \u0445\u043e\u0440\u043e\u0448\u0438\u0439 \u0444\u0438\u043b\u044c\u043c,good\n"
    content = b"text,label\n" + film.encode() + film.encode("cp1251") * 2
    assert refusal(written(tmp_path / "a.csv", content)) == (
        f"{KEY}: a.csv:3: the line is not UTF-8, as others of the file are. Lines like it: 2 (3, 4). Save the file again in "
        "one encoding, best in UTF-8.")


def test_bytes_that_windows_1252_has_not_are_refused(tmp_path):
    content = "text,label\nUn film tr\u00e8s r\u00e9ussi,bon\n".encode("cp1252") * 3 + b"caf\x81 na\xefve,x\n"
    message = refusal(written(tmp_path / "a.csv", content))
    assert "a.csv:7: the line is neither UTF-8 nor Windows-1252. Lines like it: 1 (7)" in message
    assert "name the encoding: data.encoding=NAME." in message


def test_encoding_that_is_unknown_or_does_not_fit_is_refused(tmp_path):
    file = written(tmp_path / "a.csv", "text,label\ncaf\u00e9,x\n".encode())
    assert refusal(file, SpecError, encoding="utf8x").startswith("data.encoding: there is no encoding 'utf8x'. Use auto")
    assert refusal(file, encoding="ascii") == (
        f"{KEY}: a.csv:2: byte 0xc3 at offset 14 is not ASCII, which data.encoding names. Correct the file, or use auto.")


def test_settings_of_text_beside_other_files_are_refused(tmp_path):
    file = written(tmp_path / "a.parquet", encoded(ROWS, "a.parquet"))
    message = refusal(file, SpecError, quotes="literal", encoding="cp1252")
    assert message.splitlines() == [
        "data.quotes: only CSV and TSV have quotes, the files are .parquet. Leave it out.",
        "data.encoding: only text has one, the files are .parquet. Leave it out."]


def test_settings_of_tables_beside_other_files_are_refused(tmp_path):
    text = written(tmp_path / "a.csv", TABLE)
    assert refusal(text, SpecError, images="photos") == (
        "data.images: only for tables that name pictures, the files are .csv. Leave it out.")
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    written(tmp_path / "pets" / "cat" / "1.png", encoded_picture())
    assert refusal(tmp_path / "pets", SpecError, IMAGE, images="photos", columns={"label": "kind"}).splitlines() == [
        "data.columns: a folder of pictures has no columns. Leave it out.",
        "data.images: only for tables that name pictures, the files are pictures. Leave it out."]
    held = pa.table({"image": [encoded_picture()], "label": ["a"]})
    file = written(tmp_path / "a.parquet", encoded(held, "x.parquet"))
    assert refusal(file, SpecError, IMAGE, images="photos") == (
        "data.images: a.parquet holds its pictures itself. Leave it out.")


def test_split_that_the_training_files_bring_along_is_not_given_twice(tmp_path):
    for name in ("train", "test"):
        written(tmp_path / f"{name}.csv", TABLE)
    message = refusal(tmp_path, test=tmp_path / "test.csv")
    assert message == (f"data.files.test: data.files.train={tmp_path} brings test rows along. Leave one of the two out, or "
                       "name the training files alone.")


def test_folder_that_holds_test_rows_alone_is_no_training_set(tmp_path):
    (tmp_path / "rows").mkdir()
    written(tmp_path / "rows" / "test.csv", TABLE)
    assert f"{KEY}: {tmp_path}/rows holds only test. Training rows are needed" in refusal(tmp_path / "rows")


def test_tables_of_one_folder_with_other_columns_are_named(tmp_path):
    written(tmp_path / "part-1.csv", TABLE)
    written(tmp_path / "part-2.csv", b"review,label\nfine,good\n")
    assert "data.columns.text: part-2.csv has no column 'text'." in refusal(tmp_path, SpecError)


def test_tables_of_which_some_hold_pictures_are_refused(tmp_path):
    written(tmp_path / "1.png", png := encoded_picture())
    held, named = pa.table({"image": [png], "label": ["a"]}), pa.table({"image": ["1.png"], "label": ["a"]})
    written(tmp_path / "1.parquet", encoded(held, "x.parquet"))
    written(tmp_path / "2.parquet", encoded(named, "x.parquet"))
    assert "some of 1.parquet, 2.parquet hold pictures, others name them." in refusal(tmp_path / "*.parquet", roles=IMAGE)


def encoded_picture() -> bytes:
    from PIL import Image

    opened = io.BytesIO()
    Image.new("RGB", (2, 2)).save(opened, "PNG")
    return opened.getvalue()


def test_plain_text_without_a_line_is_refused(tmp_path):
    written(tmp_path / "pos.txt", b"\n \n")
    written(tmp_path / "neg.txt", b"dull\n")
    assert f"{KEY}: pos.txt is empty" in refusal(tmp_path)


def test_plain_text_has_two_columns(tmp_path):
    written(tmp_path / "pos.txt", b"fine\n")
    written(tmp_path / "neg.txt", b"dull\n")
    assert "neg.txt has no column 'review'. Columns: text, label." in refusal(tmp_path, SpecError, columns={"text": "review"})
