"""Which files a place stands for: folders, zips and patterns, their splits, and labels told by names."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from finetune.data.listing import find
from finetune.errors import DataError

TEXT = {"text": "text", "label": "label"}
IMAGE = {"image": "image", "label": "label"}
TABLE = b"text,label\nfine,good\n"


def make(place: Path, *names: str) -> Path:
    if place.suffix == ".zip":
        with zipfile.ZipFile(place, "w") as archive:
            for name in names:
                archive.writestr(name, TABLE)
        return place
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(TABLE)
    return place


def names(place: Path | str, split: str = "train", roles: dict[str, str] = TEXT) -> dict[str, list[str]]:
    return {name: [file.name for file in files] for name, files in find(str(place), split=split, roles=roles)[0].items()}


def refusal(place: Path | str, roles: dict[str, str] = TEXT) -> str:
    with pytest.raises(DataError) as caught:
        find(str(place), split="train", roles=roles)
    return str(caught.value)


@pytest.mark.parametrize("place", ["rows", "rows.zip"])
def test_tables_of_a_folder_or_zip_are_one_table_in_the_order_of_their_names(tmp_path, place):
    made = make(tmp_path / place, "part-2.csv", "part-1.csv", "more/part-3.csv", ".hidden.csv", "__MACOSX/x.csv")
    assert names(made) == {"train": ["more/part-3.csv", "part-1.csv", "part-2.csv"]}
    assert names(made, "test") == {"test": ["more/part-3.csv", "part-1.csv", "part-2.csv"]}


def test_names_tell_splits_as_on_the_hub(tmp_path):
    files = ("train-00000-of-00002.parquet", "train-00001-of-00002.parquet", "test-00000-of-00001.parquet")
    assert names(make(tmp_path / "data", *files)) == {"train": [files[0], files[1]], "test": [files[2]]}
    assert names(make(tmp_path / "b", "training/a.csv", "VAL/a.csv")) == {"train": ["training/a.csv"],
                                                                         "validation": ["VAL/a.csv"]}


def test_pattern_takes_the_files_that_fit(tmp_path):
    make(tmp_path, "train-0.csv", "train-1.csv", "test.csv", "notes.md")
    assert names(tmp_path / "train-*.csv") == {"train": ["train-0.csv", "train-1.csv"]}
    assert names(make(tmp_path / "deep", "a/1.csv", "b/2.csv") / "**" / "*.csv") == {"train": ["a/1.csv", "b/2.csv"]}


def test_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    make(tmp_path, "a[1].csv")
    assert names(tmp_path / "a[1].csv") == {"train": ["a[1].csv"]}


def test_what_stands_beside_the_data_is_passed_over_and_said(tmp_path):
    found, notes = find(str(make(tmp_path, "a.csv", "README.md", "LICENSE")), split="train", roles=TEXT)
    assert [file.name for file in found["train"]] == ["a.csv"]
    assert notes == ("LICENSE is passed over", "README.md is passed over")


@pytest.mark.parametrize(("files", "labels"), [
    (("rt-polarity.neg", "rt-polarity.pos"), {"train": ["neg", "pos"]}),
    (("neg.txt", "pos.txt"), {"train": ["neg", "pos"]}),
    (("reviews_bad.txt.gz", "reviews_good.txt.gz"), {"train": ["bad", "good"]}),
    (("test_neg.txt", "test_pos.txt", "train_neg.txt", "train_pos.txt"), {"train": ["neg", "pos"], "test": ["neg", "pos"]}),
    (("test/neg.txt", "train/neg.txt", "train/pos.txt"), {"train": ["neg", "pos"], "test": ["neg"]}),
])
def test_label_of_plain_text_is_the_word_in_which_names_differ(tmp_path, files, labels):
    found, _ = find(str(make(tmp_path, *files)), split="train", roles=TEXT)
    assert {split: [file.label for file in tables] for split, tables in found.items()} == labels


def test_pictures_are_left_to_others(tmp_path):
    assert find(str(make(tmp_path / "pets", "cat/1.png")), split="train", roles=IMAGE) == ({}, ())
    assert names(make(tmp_path / "shards", "train-0.parquet"), roles=IMAGE) == {"train": ["train-0.parquet"]}


def test_packed_table_is_known_by_the_suffix_before(tmp_path):
    (tmp_path / "a.CSV.gz").write_bytes(gzip.compress(TABLE))
    table = find(str(tmp_path / "a.CSV.gz"), split="train", roles=TEXT)[0]["train"][0]
    assert (table.suffix, table.read()) == (".csv", TABLE)


@pytest.mark.parametrize("files", [("a.txt",), ("pos_1.txt", "neg_2.txt"), ("pos.txt", "very-neg.txt")])
def test_plain_text_without_one_word_that_differs_is_refused(tmp_path, files):
    message = refusal(make(tmp_path / "x", *files))
    assert f"{tmp_path}/x holds {len(files)} files that are no tables: " in message
    assert "plain text with one row a line in one file for each label, whose names differ in one word" in message


def test_names_of_which_some_tell_a_split_are_refused(tmp_path):
    message = refusal(make(tmp_path, "train.csv", "more.csv"))
    assert "1 of 2 files have no name that tells one of train, validation and test, as train.csv has: more.csv." in message


def test_tables_of_several_formats_are_refused(tmp_path):
    message = refusal(make(tmp_path, "a.csv", "a.json"))
    assert "holds files of 2 kinds, such as a.json, a.csv. One kind of table is read at a time." in message


def test_table_beside_its_pictures_is_named(tmp_path):
    message = refusal(make(tmp_path / "pets", "labels.csv", "1.png", "2.png"), IMAGE)
    assert f"If it names the pictures beside it, set data.files.train={tmp_path}/pets/labels.csv;" in message


def test_folder_without_files_and_pattern_without_match_are_refused(tmp_path):
    assert f"{tmp_path} holds no files of rows." in refusal(tmp_path)
    assert "fits no file. Correct it" in refusal(tmp_path / "*.csv")


def test_address_is_refused(tmp_path):
    assert refusal("https://example.org/a.csv") == (
        "data.files.train: https://example.org/a.csv is an address; only files on disk are read. Download it, and name "
        "the file.")


def test_single_plain_text_file_is_told_the_way(tmp_path):
    message = refusal(make(tmp_path, "polarity.pos") / "polarity.pos")
    assert "polarity.pos ends in '.pos', allowed are .csv" in message
    assert "needs a file for each label: name their folder, or a pattern such as 'polarity.*'." in message
