"""Files that are complete or absent."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from finetune import write


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(file.name for file in folder.iterdir())


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    write.write_text(tmp_path / "a.txt", "caf\u00e9\n")
    assert (tmp_path / "a.txt").read_bytes() == b"caf\xc3\xa9\n"
    assert names(tmp_path) == ["a.txt"]


def test_existing_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a much longer old text")
    write.write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_failing_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write.write_text(tmp_path / "a.txt", "new" * 100_000 + "\ud800")  # half a surrogate pair has no bytes
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_failing_first_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write.write_text(tmp_path / "a.txt", "\ud800")
    assert names(tmp_path) == []


def test_disk_that_fills_up_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    code = f"from finetune.write import *; write_text(Path({str(tmp_path / 'a.txt')!r}), 'x' * 5000)"
    done = subprocess.run([sys.executable, "-c", code], preexec_fn=limited, capture_output=True, text=True)
    assert "OSError: [Errno 27] File too large" in done.stderr
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_file_in_a_folder_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write.write_text(tmp_path / "absent" / "a.txt", "new")


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    value = {"name": "caf\u00e9", "list": [1, 2.5, None, True], "nested": {"a": []}}
    write.write_json(tmp_path / "a.json", value)
    assert write.read_json(tmp_path / "a.json") == value
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "caf\u00e9" in text
    assert text.endswith("}\n")


def test_json_spells_what_it_does_not_know(tmp_path: Path) -> None:
    write.write_json(tmp_path / "a.json", {"path": tmp_path})
    assert write.read_json(tmp_path / "a.json") == {"path": str(tmp_path)}


def test_lines_are_one_json_value_each(tmp_path: Path) -> None:
    write.write_lines(tmp_path / "a.jsonl", ({"row": number, "text": "two\nlines"} for number in range(3)))
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == [0, 1, 2]


def test_no_lines_are_an_empty_file(tmp_path: Path) -> None:
    write.write_lines(tmp_path / "a.jsonl", [])
    assert (tmp_path / "a.jsonl").read_bytes() == b""


def test_values_that_fail_half_way_leave_the_old_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("old\n")
    with pytest.raises(TypeError):
        write.write_lines(tmp_path / "a.jsonl", [{"fine": 1}, {"not": object()}])
    assert (tmp_path / "a.jsonl").read_text() == "old\n"
    assert names(tmp_path) == ["a.jsonl"]


def test_digest_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "a.bin").write_bytes(content)
    assert write.digest(tmp_path / "a.bin") == hashlib.sha256(content).hexdigest()


def test_folder_can_be_synced(tmp_path: Path) -> None:
    write.sync(tmp_path)
    lowest = os.open(tmp_path, os.O_RDONLY)
    os.close(lowest)
    write.sync(tmp_path)
    again = os.open(tmp_path, os.O_RDONLY)
    os.close(again)
    assert again == lowest  # no handle was left open


def test_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    values = [{"a": "two\nlines\u2028"}, ["caf\u00e9", None], 1.5]
    write.write_lines(tmp_path / "a.jsonl", values)
    assert write.read_lines(tmp_path / "a.jsonl") == values


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_full_disk_under_a_tokenizer_is_told_as_such() -> None:
    from tests.unit.small_tokenizer import processor

    with pytest.raises(OSError, match="No space left on device: 'model'"), write.os_errors(Path("model")):
        processor().tokenizer.save("/dev/full")
