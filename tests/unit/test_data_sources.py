"""Which rows a run reads, why, and how many of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune.data import sources, times
from finetune.errors import SpecError
from finetune.machine import hub_reachable
from finetune.spec import Data, Files, Hub, Split
from tests.unit import loopback

ROLES = {"text": "text", "label": "label"}
DATA = Data(hub=Hub(name="me/reviews"), sample="reviews")
OWN = replace(DATA, files=Files(train="a.csv"))


@pytest.fixture(autouse=True)
def forgotten_probe() -> Iterator[None]:
    """The answer about the Hub is kept for the life of a process; these tests change it."""
    hub_reachable.cache_clear()
    yield
    hub_reachable.cache_clear()


@pytest.fixture
def with_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with loopback.listening() as port:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        yield


@pytest.fixture
def without_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_auto_is_the_files_where_there_are_some(with_hub: None) -> None:
    assert sources.choose(OWN) == ("files", "data.files.train is given")


def test_auto_is_the_hub_where_it_can_be_reached(with_hub: None) -> None:
    assert sources.choose(DATA) == ("hub", "the Hub can be reached (me/reviews)")


def test_auto_is_the_sample_where_nothing_else_is(without_hub: None) -> None:
    assert sources.choose(DATA) == ("sample", "no files are given and the Hub cannot be reached")


@pytest.mark.parametrize("source", ["hub", "files", "sample"])
def test_source_that_is_set_is_taken_without_asking(without_hub: None, source: str) -> None:
    assert sources.choose(replace(OWN, source=source)) == (source, "set by data.source")


@pytest.mark.parametrize(("max_rows", "source", "accelerator", "limit"), [
    ("auto", "hub", False, 5_000),
    ("auto", "hub", True, None),
    ("auto", "files", False, None),
    ("auto", "sample", False, None),
    ("all", "hub", False, None),
    ("all", "files", True, None),
    (700, "hub", True, 700),
    (700, "files", False, 700),
    (9_000, "hub", False, 9_000),
    (1, "sample", False, 1),
])
def test_limit_of_training_rows(max_rows: int | str, source: str, accelerator: bool, limit: int | None) -> None:
    assert sources.limit(replace(DATA, max_rows=max_rows), source, accelerator=accelerator) == limit


def test_samples_are_what_the_folder_holds() -> None:
    assert {"digits", "reviews"} <= set(sources.samples())
    assert len(sources.samples()) == len([path for path in sources.SAMPLES.iterdir() if path.name[0] != "_"])


def test_settings_that_fit_have_no_problems() -> None:
    data = replace(OWN, columns={"text": "review", "label": "stars"})
    assert sources.problems(data, ROLES) == []


def test_unknown_sample_and_role_are_told_at_once() -> None:
    data = replace(OWN, sample="review", columns={"txt": "review", "image": "x"})
    assert sources.problems(data, ROLES) == [
        f"data.sample: there is no sample 'review'. Samples: {', '.join(sources.samples())}. Did you mean 'reviews'?",
        "data.columns.txt: this task has no role 'txt'. Roles: text, label, group, time. Did you mean 'text'?",
        "data.columns.image: this task has no role 'image'. Roles: text, label, group, time. Did you mean 'time'?",
    ]


def test_sample_of_tables_comes_with_its_splits() -> None:
    found = sources.read(DATA, "sample", ROLES)
    files = {split: sources.SAMPLES / "reviews" / f"{split}.csv" for split in ("train", "validation", "test")}
    for split, file in files.items():
        with file.open(encoding="utf-8", newline="") as opened:
            assert found.splits[split].num_rows == len(list(csv.DictReader(opened)))
    assert set(found.splits) == set(files)
    assert {tuple(table.column_names) for table in found.splits.values()} == {("row", "hash", "text", "label")}
    assert (found.source, found.name, found.license) == ("sample", "reviews", "apache-2.0")
    assert found.splits["train"]["row"][0].as_py() == "train.csv:2"


def test_sample_of_pictures_is_made_from_an_installed_package() -> None:
    roles = {"image": "image", "label": "label"}
    found = sources.read(replace(DATA, sample="digits"), "sample", roles)
    table = found.splits["train"]
    assert (list(found.splits), found.source, found.license) == (["train"], "sample", "bsd-3-clause")
    assert table.num_rows == 1797
    assert sorted(set(table["label"].to_pylist())) == [str(digit) for digit in range(10)]
    assert table["image"][0].as_py().startswith(b"\x89PNG")
    assert table["row"].to_pylist()[:2] == ["digits:0", "digits:1"]


@pytest.mark.parametrize(("sample", "kind"), [("digits", "text"), ("reviews", "image")])
def test_sample_that_does_not_fit_the_task_is_refused(sample: str, kind: str) -> None:
    with pytest.raises(SpecError) as caught:
        sources.read(replace(DATA, sample=sample), "sample", {kind: kind, "label": "label"})
    assert str(caught.value) == (
        f"data.sample: '{sample}' has no column '{kind}', which this task learns from. Leave data.sample out, or give"
        " your own rows (data.files.train=FILE).")


def test_files_are_read_by_split_with_the_columns_of_the_user(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / f"{split}.csv").write_text(f"review,stars\n{split} row,good\n")
    files = Files(train=str(tmp_path / "train.csv"), test=str(tmp_path / "test.csv"))
    data = replace(DATA, files=files, columns={"text": "review", "label": "stars"})
    found = sources.read(data, "files", ROLES)
    assert {split: table["text"].to_pylist() for split, table in found.splits.items()} == {
        "train": ["train row"], "test": ["test row"]}
    assert (found.source, found.name) == ("files", str(tmp_path / "train.csv"))


def test_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.csv").write_text("text,label\nfine,good\n")
    found = sources.read(replace(DATA, files=Files(train="~/a.csv")), "files", ROLES)
    assert found.splits["train"]["text"].to_pylist() == ["fine"]


def test_group_and_time_are_read_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,patient,date\nfine,good, ann ,2024-04-03\npoor,bad,,\n")
    data = replace(OWN, files=Files(train=str(tmp_path / "a.csv")), columns={"group": "patient", "time": "date"})
    assert sources.problems(data, ROLES) == []
    table = sources.read(data, "files", ROLES).splits["train"]
    assert table["group"].to_pylist() == ["ann", None]
    assert table["time"].to_pylist() == ["2024-04-03", None]
    assert sources.read(replace(data, columns={}), "files", ROLES).splits["train"].column_names == ["row", "hash", *ROLES]


def test_group_and_time_stand_at_positions_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("good,ann,it was fine,2024\nbad,bob,it was poor,2023\n")
    data = replace(OWN, files=Files(train=str(tmp_path / "a.csv")),
                   columns={"label": "0", "group": "1", "text": "2", "time": "3"})
    table = sources.read(data, "files", ROLES).splits["train"]
    assert table["group"].to_pylist() == ["ann", "bob"]
    assert table["time"].to_pylist() == ["2024", "2023"]


def test_dates_of_parquet_files_are_read_as_iso(tmp_path: Path) -> None:
    moment = datetime(2024, 4, 3, 12, 30)  # as most files have them
    pq.write_table(pa.table({"text": ["a"], "label": ["b"], "time": [moment]}), tmp_path / "a.parquet")
    data = replace(OWN, files=Files(train=str(tmp_path / "a.parquet")), columns={"time": "time"})
    table = sources.read(data, "files", ROLES).splits["train"]
    assert times.instants(table["time"].to_pylist(), ["a:0"]) == [moment.replace(tzinfo=UTC).timestamp()]


def test_roles_of_the_hub_are_those_that_the_recipe_maps() -> None:
    hub = replace(DATA, hub=Hub(name="me/rows", columns={"group": "user"}))
    assert sources.all_roles(hub, "hub", ROLES) == {**ROLES, "group": "group"}
    assert sources.all_roles(hub, "sample", ROLES) == ROLES


def test_unknown_role_of_the_hub_is_told() -> None:
    data = replace(DATA, hub=Hub(name="me/rows", columns={"text": "body", "gruop": "user"}))
    assert sources.problems(data, ROLES) == [
        "data.hub.columns.gruop: this task has no role 'gruop'. Roles: text, label, group, time. Did you mean 'group'?"]


def test_every_place_that_is_not_there_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").touch()
    (tmp_path / "dev.csv").touch()
    data = replace(OWN, split=Split(file=str(tmp_path / "split.jsonl")), images=str(tmp_path / "none" / "pictures.zip"),
                   files=Files(train=str(tmp_path / "review.csv"), validation=str(tmp_path / "dev.csv")))
    assert sources.problems(data, ROLES) == []  # of a run that has its rows they may be gone
    assert sources.absent(data) == [
        f"data.files.train: {tmp_path}/review.csv does not exist. Did you mean 'reviews.csv'? Correct the path.",
        f"data.images: {tmp_path}/none/pictures.zip does not exist, nor does its folder. Correct the path.",
        f"data.split.file: there is no file {tmp_path}/split.jsonl. Name data/split.jsonl of an earlier run."]


@pytest.mark.parametrize("place", ["https://example.com/rows.csv", "nowhere/*.csv"])
def test_addresses_and_patterns_are_left_to_the_reader(place: str) -> None:
    assert sources.absent(replace(DATA, files=Files(train=place))) == []
