"""An export folder is opened only when every file is what was written.

A file outside the list is not trusted: it is neither checked nor read, so it cannot be the default model. It is not
an error either, since the gate's own report and whatever a user puts beside the model are such files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import ExportError
from finetune.export import manifest

FILES = {"model.onnx": b"\x08\x07" + b"\x12\x07weights" * 9, "int8/model.onnx": b"\x08\x07\x12\x05small", "finetune.json": b'{"format": 1}\n', "empty.txt": b""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished export whose default is the int8 model."""
    made = tmp_path / "onnx"
    for name, content in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    manifest.write(made, default="int8/model.onnx")
    return made


def change(folder: Path, **values: Any) -> None:
    file = folder / manifest.NAME
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_unchanged_folder_tells_its_default_model(folder: Path) -> None:
    assert manifest.check(folder) == "int8/model.onnx"


def test_every_file_is_listed_but_the_manifest(folder: Path) -> None:
    listed = json.loads((folder / manifest.NAME).read_text())
    assert sorted(listed["files"]) == sorted(FILES)
    assert (listed["format"], listed["default"]) == (manifest.FORMAT, "int8/model.onnx")


def test_folder_can_be_moved(folder: Path, tmp_path: Path) -> None:
    assert manifest.check(Path(shutil.move(folder, tmp_path / "elsewhere"))) == "int8/model.onnx"


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda file: file.unlink(),
    "emptied": lambda file: file.write_bytes(b"" if file.stat().st_size else b"1"),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-1] or b"1"),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\n"),
    "flipped": lambda file: file.write_bytes(bytes([(file.read_bytes() or b"1")[0] ^ 1]) + file.read_bytes()[1:]),
    "a folder": lambda file: file.rename(file.with_suffix(".moved")).with_suffix(file.suffix).mkdir(),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", DAMAGES)
def test_changed_or_missing_file_is_refused_by_name(kind: str, name: str, folder: Path) -> None:
    DAMAGES[kind](folder / name)
    with pytest.raises(ExportError, match="is missing or is not what was exported") as caught:
        manifest.check(folder)
    assert caught.value.where == str(folder / name)
    assert caught.value.exit_code == 4


def test_no_part_of_the_manifest_can_change_unseen(folder: Path) -> None:
    file = folder / manifest.NAME
    content, unseen = file.read_bytes(), []
    places = [(position, bit) for position in range(80) for bit in range(8)]  # format and default are in these
    assert b'"files"' in content[:80]
    places += [(position, position % 8) for position in range(80, len(content))]
    for position, bit in places:
        file.write_bytes(content[:position] + bytes([content[position] ^ 1 << bit]) + content[position + 1 :])
        try:
            manifest.check(folder)
        except ExportError:
            continue
        unseen.append((position, bit))
    assert unseen == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"null", b"{}", b'{"format": 1, "files": {}}', b"\xff\xfe"])
def test_manifest_that_cannot_be_read_is_refused(content: bytes, folder: Path) -> None:
    (folder / manifest.NAME).write_bytes(content)
    with pytest.raises(ExportError, match="Export the run again") as caught:
        manifest.check(folder)
    assert str(folder) in caught.value.where


def test_folder_without_manifest_is_no_finished_export(folder: Path) -> None:
    (folder / manifest.NAME).unlink()
    with pytest.raises(ExportError, match="holds no manifest.json, so it is not a finished export"):
        manifest.check(folder)


def test_newer_format_is_refused_before_any_file_is_looked_at(folder: Path) -> None:
    change(folder, format=2, files="written otherwise")
    with pytest.raises(ExportError, match=r"was written by another version \(format 2, known is 1\). Update finetune."):
        manifest.check(folder)


def test_file_outside_the_list_changes_nothing(folder: Path) -> None:
    (folder / "report.json").write_text("{}")
    (folder / "int8" / "notes.txt").write_text("mine")
    assert manifest.check(folder) == "int8/model.onnx"


@pytest.mark.parametrize("default", ["planted.onnx", "../planted.onnx", "", ".", "int8", "/etc/hostname", "manifest.json"])
def test_default_model_outside_the_list_is_refused(default: str, folder: Path) -> None:
    (folder.parent / "planted.onnx").write_bytes(b"\x08\x07other")
    change(folder, default=default)
    with pytest.raises(ExportError, match="names no model that is listed in it") as caught:
        manifest.check(folder)
    assert caught.value.where == str(folder / manifest.NAME)


def test_export_in_which_no_model_passed_says_so(folder: Path) -> None:
    manifest.write(folder, default="")
    with pytest.raises(ExportError, match="no model passed"):
        manifest.check(folder)


def test_manifest_is_replaced_when_it_is_written_again(folder: Path) -> None:
    (folder / "int8" / "model.onnx").unlink()
    manifest.write(folder, default="model.onnx")
    assert manifest.check(folder) == "model.onnx"
    assert sorted(json.loads((folder / manifest.NAME).read_text())["files"]) == ["empty.txt", "finetune.json", "model.onnx"]
