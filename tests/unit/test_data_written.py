"""Texts that are decoded as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune import mapped
from finetune.data import written
from finetune.data.decode import read, read_text
from finetune.data.table_file import TableFile
from finetune.data.written import Text

SAID = "a\u00e9\u4e2d\U0001f600\n\r\nb\r\n"


@pytest.fixture(params=["bytes", "mapped"])
def text(request: pytest.FixtureRequest, tmp_path: Path) -> Text:
    raw = b"\xef\xbb\xbf" + SAID.encode()
    (tmp_path / "a.csv").write_bytes(raw)
    if request.param == "bytes":
        return Text(raw, 3)
    with (tmp_path / "a.csv").open("rb") as opened:
        return Text(mapped.bytes_of(opened), 3)


@pytest.mark.parametrize("piece", [1, 2, 3, 2**24])
def test_what_is_read_piece_by_piece_is_the_whole(text: Text, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_PIECE", piece)
    assert text.is_utf8
    assert text.whole() == "".join(text.lines()) == SAID
    assert text.buffer().to_pybytes().decode() == SAID
    assert text.num_lines() == 3


def test_head_ends_with_a_whole_character(text: Text) -> None:
    assert [text.head(size) for size in range(7)] == ["", "a", "a", "a\u00e9", "a\u00e9", "a\u00e9", "a\u00e9\u4e2d"]


@pytest.mark.parametrize(("said", "blank"), [
    ("a\nb\n", False), ("a\r\nb\r\n", False), ("a\n\nb", True), ("a\r\n\r\nb", True), ("a\rb", True), ("\na", True),
    ("\r\na", True), ("", False), ("a\n\r\nb", True),
])
def test_blank_lines_are_seen_whatever_ends_a_line(said: str, blank: bool) -> None:
    assert Text(said.encode()).has_blank_lines == blank


@pytest.mark.parametrize("raw", [b"a\xff", b"\xc3", b"abc\xe4\xb8"])
def test_text_that_is_cut_or_broken_is_not_utf8(raw: bytes) -> None:
    assert not Text(raw).is_utf8


def test_one_byte_order_mark_is_taken_off_and_no_second(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufeff\ufefftext".encode())
    assert read_text(TableFile.at(tmp_path / "a.csv", "k"))[0] == "\ufefftext"


def test_file_in_utf8_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(SAID.encode())
    assert not isinstance(read(TableFile.at(tmp_path / "a.csv", "k"))[0].raw, bytes)
