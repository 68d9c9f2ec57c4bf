"""Pictures that a table names, as other machines write the names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from finetune.data.lookup import locate
from finetune.errors import DataError

PLACES = ["photos", "photos.zip"]


def make(place: Path, *names: str) -> Path:
    if place.suffix == ".zip":
        with zipfile.ZipFile(place, "w") as archive:
            for name in names:
                archive.writestr(name, name)
        return place
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)
    return place


def found(place: Path, *cells: str) -> tuple[list[str], tuple[str, ...]]:
    """Paths inside the place, and notes."""
    rows = [f"a.csv:{number}" for number in range(2, len(cells) + 2)]
    located, notes = locate(cells, rows, source=place, beside=place.parent, key="data.files.train")
    return [name.removeprefix(f"{place}::").removeprefix(f"{place}/") for name in located], notes


def refusal(place: Path, *cells: str) -> str:
    with pytest.raises(DataError) as caught:
        found(place, *cells)
    return str(caught.value)


@pytest.mark.parametrize("place", PLACES)
def test_plain_names_are_found_without_a_word(tmp_path, place):
    made = make(tmp_path / place, "a/1.jpg", "b/2.jpg")
    assert found(made, "b/2.jpg", "./a/1.jpg", "b\\2.jpg", "b/2.jpg") == (["b/2.jpg", "a/1.jpg", "b/2.jpg", "b/2.jpg"], ())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("cell", [
    "C:\\Users\\me\\photos\\a\\1.jpg", "\\\\server\\share\\photos\\a\\1.jpg", "/home/me/photos/a/1.jpg", "photos/a/1.jpg",
    "c:/a/1.jpg", "A/1.JPG",
])
def test_end_of_a_path_and_other_capitals_are_understood_and_said(tmp_path, place, cell):
    made = make(tmp_path / place, "a/1.jpg", "b/1.jpg")
    located, notes = found(made, cell, "b/1.jpg")
    assert located == ["a/1.jpg", "b/1.jpg"]
    assert notes[0].startswith("1 of 2 pictures were found by the end of their path or in other capitals, such as ")
    assert repr(cell) in notes[0]


def test_longest_end_counts(tmp_path):
    made = make(tmp_path / "photos", "1.jpg", "a/1.jpg")
    assert found(made, "C:\\x\\a\\1.jpg")[0] == ["a/1.jpg"]


def test_absolute_path_inside_the_folder_is_that_file(tmp_path):
    made = make(tmp_path / "photos", "a/1.jpg")
    assert found(made, f"{made}/a/1.jpg") == (["a/1.jpg"], ())


def test_table_in_a_zip_names_pictures_beside_it(tmp_path):
    made = make(tmp_path / "set.zip", "set/labels.csv", "set/1.jpg")
    assert locate(["1.jpg"], ["a.csv:2"], source=None, beside=made, key="k")[0] == [f"{made}::set/1.jpg"]


@pytest.mark.parametrize("place", PLACES)
def test_two_names_for_one_picture_are_refused(tmp_path, place):
    message = refusal(make(tmp_path / place, "1.jpg"), "C:\\cats\\1.jpg", "C:\\dogs\\1.jpg")
    assert f"2 of 2 pictures are not in {tmp_path / place}: a.csv:2 'C:\\\\cats\\\\1.jpg', a.csv:3 'C:\\\\dogs\\\\1.jpg'" in message


def test_name_that_fits_two_files_but_for_capitals_is_refused(tmp_path):
    made = make(tmp_path / "photos.zip", "A.jpg", "a.jpg")
    assert found(made, "A.jpg") == (["A.jpg"], ())
    assert "1 of 1 pictures are not in" in refusal(made, "a.JPG")


@pytest.mark.parametrize("place", PLACES)
def test_addresses_are_listed_all_at_once(tmp_path, place):
    message = refusal(make(tmp_path / place, "1.jpg"), "https://x.org/1.jpg", "1.jpg", "S3://b/2.jpg", "data:image/png;base64,x")
    assert message.startswith("data.files.train: 3 of 4 pictures are addresses: a.csv:2 'https://x.org/1.jpg', a.csv:4 ")
    assert "Download them into a folder, name the files in the table, and set data.images=FOLDER." in message


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("cell", ["../secret.jpg", "a/../../secret.jpg", "..\\secret.jpg", "a/../1.jpg"])
def test_names_that_lead_out_are_refused_even_where_the_file_exists(tmp_path, place, cell):
    make(tmp_path, "secret.jpg")
    message = refusal(make(tmp_path / place, "a/1.jpg", "1.jpg"), cell)
    assert f"1 of 1 pictures lead out of {tmp_path / place}: a.csv:2 {cell!r}." in message
    assert "Name the folder that holds all of them with data.images=PATH" in message


def test_absolute_path_outside_is_not_read(tmp_path):
    make(tmp_path, "secret.jpg")
    assert "1 of 1 pictures are not in" in refusal(make(tmp_path / "photos", "1.jpg"), f"{tmp_path}/secret.jpg")


def test_empty_name_is_no_picture(tmp_path):
    assert "a.csv:2 ''" in refusal(make(tmp_path / "photos", "1.jpg"), "")
