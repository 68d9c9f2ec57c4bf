"""Bytes to text: marks, positions of bad bytes, and guesses that can be acted on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from finetune.data.decode import absent, read_text
from finetune.errors import DataError


def refusal(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_text(file, "data.files.train")
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_mark_is_taken_off(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("\u00e9\r\n".encode(encoding))
    assert read_text(tmp_path / "a.csv", "k") == "\u00e9\r\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_first_bad_byte_is_named_by_line_and_offset(tmp_path, end):
    content = end.join([b"text,label", b"fine,good", b"caf\xe9,bad", b"caf\xe9,bad"])
    message = refusal(tmp_path / "a.csv", content)
    assert f"a.csv:3: byte 0xe9 at offset {content.index(0xE9)} is not UTF-8" in message


def test_offset_counts_the_byte_order_mark(tmp_path):
    assert "a.csv:1: byte 0xe9 at offset 5 is" in refusal(tmp_path / "a.csv", b"\xef\xbb\xbfab\xe9,c")


@pytest.mark.parametrize(("encoding", "name", "text"), [
    ("cp1252", "CP1252", "text,label\nUn film tr\u00e8s r\u00e9ussi,bon\nJe n\u2019ai pas aim\u00e9 ce film,mauvais\n"),
    ("cp1251", "CP1251", "text,label\n\u041e\u0447\u0435\u043d\u044c \u0445\u043e\u0440\u043e\u0448\u0438\u0439 \u0444\u0438\u043b\u044c\u043c,\u0434\u0430\n"),
    ("gb18030", "GB18030", "text,label\n\u8fd9\u4e2a\u5916\u5356\u5f88\u597d\u5403,\u597d\n\u592a\u6162\u4e86\uff0c\u4e0d\u597d\u5403,\u574f\n"),
])
def test_command_of_the_message_converts_the_file(tmp_path, encoding, name, text):
    message = refusal(tmp_path / "my reviews.csv", text.encode(encoding))
    assert f"it looks like {name}" in message
    command = message.partition("Convert it: ")[2]
    assert command.startswith(f"iconv -f {name} -t UTF-8")
    subprocess.run(command, shell=True, check=True)
    assert read_text(tmp_path / "my reviews.utf8.csv", "k") == text


def test_guess_is_made_far_into_a_large_file(tmp_path):
    rows = "text,label\n" + "plain ascii,good\n" * 20_000 + "\u0447\u0430\u0441\u044b \u0438 \u0434\u043d\u0438,bad\n" * 3_000
    message = refusal(tmp_path / "a.csv", rows.encode("cp1251"))
    assert "a.csv:20002: byte" in message
    assert "looks like CP1251" in message


def test_damaged_utf8_is_not_taken_for_another_encoding(tmp_path):
    message = refusal(tmp_path / "a.csv", "text,label\ncaf\u00e9 d\u00e9j\u00e0 vu\n".encode() + b"na\xefve,bad\n")
    assert "the rest is UTF-8, so it is damaged (characters: 1)" in message
    assert "iconv -c -f UTF-8 -t UTF-8" in message


def test_cut_utf16_is_named(tmp_path):
    message = refusal(tmp_path / "a.csv", "text,label\nfine,good\n".encode("utf-16") + b"a")
    assert "a.csv:3:" in message
    assert "UTF-16; the file is damaged or cut off" in message


@pytest.mark.parametrize(("encoding", "option"), [
    ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE"), ("utf-32", "UTF-32"),
])
def test_wide_text_without_a_mark_we_read_is_told_from_binary_data(tmp_path, encoding, option):
    message = refusal(tmp_path / "a.csv", "text,label\nfine,good\n".encode(encoding))
    assert f"iconv -f {option} -t UTF-8" in message


def test_nul_bytes_are_listed_by_line(tmp_path):
    message = refusal(tmp_path / "a.csv", b"text,label\nfine,good\nd\0ull,bad\nso\0so,bad\n" + b"padding,good\n" * 10)
    assert "data.files.train: a.csv:3: NUL byte found" in message
    assert "2 lines like it (3, 4)" in message
    assert "tr -d '\\000'" in message


@pytest.mark.parametrize(("start", "kind"), [
    (b"PK\x03\x04", "Excel"), (b"\x1f\x8b\x08", "gzip"), (b"PAR1", "Parquet"), (b"%PDF-1.7", "PDF"),
])
def test_known_binary_formats_are_called_by_name(tmp_path, start, kind):
    message = refusal(tmp_path / "a.csv", start + bytes(range(256)))
    assert kind in message
    assert "UTF-8 CSV" in message


def test_absent_file_is_named_in_full_with_a_near_match(tmp_path):
    (tmp_path / "reviews.csv").touch()
    assert absent(tmp_path / "reviws.csv") == (
        f"{tmp_path}/reviws.csv does not exist. Did you mean 'reviews.csv'? Correct the path."
    )


def test_absent_folder_is_said_to_be_absent(tmp_path):
    assert "nor does its folder" in absent(tmp_path / "no" / "reviews.csv")
