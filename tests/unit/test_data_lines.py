"""Plain text: one row a line, labels from the names of the files."""

from __future__ import annotations

from pathlib import Path

from finetune.data import sources
from finetune.spec import Data, Files, Hub

ROLES = {"text": "text", "label": "label"}


def test_lines_are_rows_and_names_are_labels(tmp_path: Path) -> None:
    (tmp_path / "rt.pos").write_bytes(b"fine \n\nit\x92s na\xefve\nlast")
    (tmp_path / "rt.neg").write_bytes(b"dull\r\n")
    (tmp_path / "README.md").write_text("about")
    data = Data(hub=Hub(name="me/x"), sample="reviews", files=Files(train=str(tmp_path)))
    found = sources.read(data, "files", ROLES)
    table = found.splits["train"].to_pydict()
    assert table["row"] == ["rt.neg:1", "rt.pos:1", "rt.pos:3", "rt.pos:4"]
    assert table["text"] == ["dull", "fine ", "it\u2019s na\u00efve", "last"]
    assert table["label"] == ["neg", "pos", "pos", "pos"]
    assert found.notes[0] == "README.md is passed over"
    assert found.notes[1].startswith("rt.pos: 1 of 4 lines are not UTF-8 and were read as Windows-1252, such as line 3")


def test_separators_that_only_unicode_knows_end_no_line(tmp_path: Path) -> None:
    (tmp_path / "pos.txt").write_text("one\u2028two\x85three\x0cfour\n")
    (tmp_path / "neg.txt").write_text("dull\n")
    data = Data(hub=Hub(name="me/x"), sample="reviews", files=Files(train=str(tmp_path)))
    assert sources.read(data, "files", ROLES).splits["train"].num_rows == 2
