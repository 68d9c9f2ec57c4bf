"""The requests sample: what its script writes, and dirt that the rules find."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks import plant_requests
from finetune.clean import engine
from finetune.data import sources
from finetune.spec import Data, Hub
from finetune.tasks.summarization import Summarization

ROLES = Summarization.roles


@pytest.fixture(scope="module")
def key() -> list[dict[str, str]]:
    with (plant_requests.FOLDER / "key.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def cleaned() -> engine.Cleaned:
    raw = sources.read(Data(hub=Hub(name="x"), sample="requests"), "sample", ROLES)
    return engine.clean(raw.splits, ROLES, {})


def test_the_script_writes_what_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = plant_requests.FOLDER
    monkeypatch.setattr(plant_requests, "FOLDER", tmp_path)
    plant_requests.main()
    names = sorted(file.name for file in shipped.glob("*.csv"))
    assert names == sorted(file.name for file in tmp_path.iterdir())
    assert [name for name in names if (shipped / name).read_bytes() != (tmp_path / name).read_bytes()] == []


def test_a_summary_is_said_in_words_of_its_message_but_for_the_fault() -> None:
    for line in plant_requests.clean_rows()["test"]:
        place_and_thing, _, due = line["summary"].partition(", due ")
        words = place_and_thing.split()
        assert words[0] in line["text"]
        assert due.split()[-1].lower().removesuffix("end") in line["text"].lower()


def test_planted_rows_are_found_by_their_rule_and_no_others(key: list[dict[str, str]], cleaned: engine.Cleaned) -> None:
    touched = {(line.row, line.rule) for line in cleaned.ledger if line.action in ("dropped", "changed")}
    assert {(line["row"], line["rule"]) for line in key} <= touched
    assert {row for row, _ in touched} == {line["row"] for line in key}


def test_a_message_or_a_summary_without_text_is_dropped_with_a_line(key: list[dict[str, str]], cleaned: engine.Cleaned) -> None:
    blank = {line["row"]: line["dirt"] for line in key if line["rule"] == "blanks"}
    lines = {line.row: line for line in cleaned.ledger if line.rule == "blanks"}
    assert lines.keys() == blank.keys()
    for row, dirt in blank.items():
        assert repr(dirt.removeprefix("blank ")) in lines[row].reason
    assert set(blank).isdisjoint(cleaned.splits["train"]["row"].to_pylist())
