"""Bytes to text: marks, positions of bad bytes, and guesses that can be acted on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from finetune.data.decode import read_text
from finetune.data.locators import absent
from finetune.data.table_file import TableFile
from finetune.errors import FinetuneError


def text_of(file: Path, encoding: str = "auto") -> str:
    return read_text(TableFile.at(file, "data.files.train"), encoding)[0]


def refusal(file: Path, content: bytes, encoding: str = "auto") -> str:
    file.write_bytes(content)
    with pytest.raises(FinetuneError) as caught:
        text_of(file, encoding)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_mark_is_taken_off(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("\u00e9\r\n".encode(encoding))
    assert text_of(tmp_path / "a.csv") == "\u00e9\r\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_first_bad_byte_is_named_by_line_and_offset(tmp_path, end):
    film = "\u041e\u0447\u0435\u043d\u044c \u0445\u043e\u0440\u043e\u0448\u0438\u0439 \u0444\u0438\u043b\u044c\u043c".encode("cp1251")
    content = end.join([b"text,label", b"fine,good", film + b",bad", film + b",bad"])
    message = refusal(tmp_path / "a.csv", content)
    assert f"a.csv:3: byte 0xce at offset {content.index(0xCE)} is not UTF-8" in message


def test_offset_counts_the_byte_order_mark(tmp_path):
    film = "\u043e\u0447\u0435\u043d\u044c \u0445\u043e\u0440\u043e\u0448\u0438\u0439".encode("cp1251")
    assert "a.csv:1: byte 0xee at offset 5 is" in refusal(tmp_path / "a.csv", b"\xef\xbb\xbfab" + film)


@pytest.mark.parametrize(("encoding", "name", "text"), [
    ("cp1251", "CP1251", "text,label\n\u041e\u0447\u0435\u043d\u044c \u0445\u043e\u0440\u043e\u0448\u0438\u0439 \u0444\u0438\u043b\u044c\u043c,\u0434\u0430\n"),
    ("gb18030", "GB18030", "text,label\n\u8fd9\u4e2a\u5916\u5356\u5f88\u597d\u5403,\u597d\n\u592a\u6162\u4e86\uff0c\u4e0d\u597d\u5403,\u574f\n"),
])
def test_command_of_the_message_converts_the_file(tmp_path, encoding, name, text):
    message = refusal(tmp_path / "my reviews.csv", text.encode(encoding))
    assert f"it looks like {name}" in message
    command = message.partition("convert it: ")[2]
    assert command.startswith(f"iconv -f {name} -t UTF-8")
    subprocess.run(command, shell=True, check=True)
    assert text_of(tmp_path / "my reviews.csv", encoding) == text
    assert f"set data.encoding={encoding}" in message
    assert text_of(tmp_path / "my reviews.utf8.csv") == text


def test_guess_is_made_far_into_a_large_file(tmp_path):
    rows = "text,label\n" + "plain ascii,good\n" * 20_000 + "\u0447\u0430\u0441\u044b \u0438 \u0434\u043d\u0438,bad\n" * 3_000
    message = refusal(tmp_path / "a.csv", rows.encode("cp1251"))
    assert "a.csv:20002: byte" in message
    assert "looks like CP1251" in message


def test_damaged_utf8_is_not_taken_for_another_encoding(tmp_path):
    message = refusal(tmp_path / "a.csv", b"text,label\nfine,good\n" + "caf\u00e9 d\u00e9j\u00e0 vu na".encode() + b"\xefve,bad\n")
    assert "a.csv:3: the line has characters in UTF-8 and bytes that are not, so it is damaged" in message
    assert "iconv -c -f UTF-8 -t UTF-8" in message
    cut = "text,label\n\u8fd9\u4e2a\u5916\u5356\u5f88\u597d\u5403".encode()[:-1]
    assert "a.csv:2: the line has characters in UTF-8 and bytes that are not" in refusal(tmp_path / "a.csv", cut)


def test_single_lines_in_windows_1252_are_read_and_counted(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes("text,label\ncaf\u00e9,good\n".encode() + "it\u2019s na\u00efve,bad\n".encode("cp1252") + b"so so,bad\n")
    text, notes = read_text(TableFile.at(file, "k"))
    assert text == "text,label\ncaf\u00e9,good\nit\u2019s na\u00efve,bad\nso so,bad\n"
    assert notes == ("a.csv: 1 of 4 lines are not UTF-8 and were read as Windows-1252, such as line 3: 'it\u2019s na\u00efve,bad'; "
                     "if that is wrong, set data.encoding=NAME",)


def test_whole_file_in_windows_1252_is_read_without_its_mark(tmp_path):
    text = "text,label\r\nUn film tr\u00e8s r\u00e9ussi,bon\r\nJe n\u2019ai pas aim\u00e9,mauvais\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    assert text_of(tmp_path / "a.csv") == text
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfna\xefve,label\n")
    assert text_of(tmp_path / "a.csv") == "na\u00efve,label\n"


def test_next_line_of_windows_1252_does_not_end_a_line(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"one\x85 two,a\nthree,b\n")  # an ellipsis there, NEL in Latin-1
    assert text_of(tmp_path / "a.csv") == "one\u2026 two,a\nthree,b\n"


def test_text_in_utf8_has_no_notes(tmp_path):
    (tmp_path / "a.csv").write_text("caf\u00e9,good\n")
    assert read_text(TableFile.at(tmp_path / "a.csv", "k"))[1] == ()


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
