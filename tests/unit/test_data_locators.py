"""Files in folders and zip archives: what is listed, what is passed over, what is read."""

from __future__ import annotations

import multiprocessing
import os
import zipfile
from pathlib import Path

import pytest

from finetune.data import locators
from finetune.errors import DataError


def make_zip(file: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def test_folder_is_listed_by_path_inside_it(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "1.png").write_bytes(b"one")
    (tmp_path / "2.png").write_bytes(b"two")
    files = locators.list_files(tmp_path, "k")
    assert files == {("a", "b", "1.png"): str(tmp_path / "a/b/1.png"), ("2.png",): str(tmp_path / "2.png")}
    assert [locators.read(files[parts]) for parts in sorted(files)] == [b"two", b"one"]


def test_zip_is_listed_and_read_without_unpacking(tmp_path):
    file = make_zip(tmp_path / "x.zip", {"a/1.png": b"one", "a/": b"", "b/2.png": b"two"})
    files = locators.list_files(file, "k")
    assert files == {("a", "1.png"): f"{file}::a/1.png", ("b", "2.png"): f"{file}::b/2.png"}
    assert locators.read(f"{file}::b/2.png") == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_members_with_backslashes_are_listed_by_folder(tmp_path):
    file = make_zip(tmp_path / "x.zip", {"a\\1.png": b"one"})
    files = locators.list_files(file, "k")
    assert list(files) == [("a", "1.png")]
    assert locators.read(files["a", "1.png"]) == b"one"


CLUTTER = ["__MACOSX/a/._1.png", "a/.DS_Store", ".git/config", "a/Thumbs.db", "a/desktop.ini"]


def test_clutter_is_passed_over_in_zips(tmp_path):
    file = make_zip(tmp_path / "x.zip", dict.fromkeys(["a/1.png", *CLUTTER], b"x"))
    assert list(locators.list_files(file, "k")) == [("a", "1.png")]


def test_clutter_is_passed_over_in_folders(tmp_path):
    for name in ["a/1.png", *CLUTTER]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert list(locators.list_files(tmp_path, "k")) == [("a", "1.png")]


def test_linked_folder_is_followed_and_a_circle_ends(tmp_path):
    source, elsewhere = tmp_path / "source", tmp_path / "elsewhere"
    for folder in (source, elsewhere):
        folder.mkdir()
    (elsewhere / "1.png").write_bytes(b"x")
    (source / "cats").symlink_to(elsewhere)
    assert list(locators.list_files(source, "k")) == [("cats", "1.png")]
    (elsewhere / "up").symlink_to(source)
    assert max(map(len, locators.list_files(source, "k"))) == 6


def test_two_processes_read_one_archive_after_a_fork(tmp_path):
    members = {f"{number}.bin": os.urandom(50_000) for number in range(40)}
    file = make_zip(tmp_path / "x.zip", members)
    names = [f"{file}::{name}" for name in members] * 5
    locators.read(names[0])
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(locators.read, names, chunksize=1) == list(members.values()) * 5


def test_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "1.png")
    with pytest.raises(locators.UnreadableError, match="not a regular file"):
        locators.read(str(tmp_path / "1.png"))


def test_large_file_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "1.png").open("wb") as stream:
        stream.truncate(locators.MAX_BYTES + 1)  # sparse: takes no room
    with pytest.raises(locators.UnreadableError, match="too large"):
        locators.read(str(tmp_path / "1.png"))


def test_name_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"x")
    with pytest.raises(DataError, match=r"names of 1 of 1 files are not UTF-8: .*udce9.*Rename them\."):
        locators.list_files(tmp_path, "k")
