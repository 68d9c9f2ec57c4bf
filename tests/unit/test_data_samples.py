"""Every sample of tables: enough rows, known dirt, and rules that find exactly what was planted for them."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks import plant_requests, plant_samples
from benchmarks.plant_samples import Sample
from finetune.clean import engine
from finetune.clean.engine import Cleaned
from finetune.contracts import SplitRows
from finetune.data import sources
from finetune.spec import Data, Hub

KINDS = {"similarity": "number", "toxicity": "labels"}  # of what is learnt, where that is not one label


class Known(NamedTuple):
    """A sample as it is read, what was planted in it, and what the rules make of it."""

    sample: Sample
    folder: Path
    key: dict[str, dict[str, str]]  # planted rows by row id
    raw: SplitRows
    cleaned: Cleaned

    def planted(self, *dirt: str) -> dict[str, dict[str, str]]:
        """The lines of the key that tell of these kinds of dirt."""
        return {row: line for row, line in self.key.items() if line["dirt"] in dirt}

    def rows(self, split: str, *, cleaned: bool = False) -> dict[str, dict[str, object]]:
        """The rows of a split by row id, without what the engine wrote beside them."""
        table = (self.cleaned if cleaned else self.raw).splits[split]
        return {row["row"]: {name: row[name] for name in (*self.sample.texts, "label")} for row in table.to_pylist()}


@pytest.fixture(scope="module", params=sorted(plant_samples.SAMPLES))
def known(request: pytest.FixtureRequest) -> Known:
    """One sample after the rules at their defaults."""
    name = request.param
    sample, folder = plant_samples.SAMPLES[name], plant_samples.FOLDER / name
    roles = dict.fromkeys(sample.texts, "text") | {"label": KINDS.get(name, "label")}
    with (folder / "key.csv").open(encoding="utf-8", newline="") as opened:
        key = {line["row"]: line for line in csv.DictReader(opened)}
    raw = sources.read(Data(hub=Hub(name="x"), sample=name), "sample", roles)
    return Known(sample, folder, key, raw, engine.clean(raw.splits, roles, {}))


def test_every_folder_of_tables_is_a_sample_that_the_script_knows() -> None:
    folders = [path.name for path in plant_samples.FOLDER.iterdir() if (path / "train.csv").is_file()]
    assert sorted([*plant_samples.SAMPLES, plant_requests.FOLDER.name]) == sorted(folders)
    assert all((plant_samples.FOLDER / name / "key.csv").is_file() for name in folders)


def test_there_are_200_training_rows_and_a_seventh_is_held_out_twice(known: Known) -> None:
    sizes = {split: table.num_rows for split, table in known.raw.splits.items()}
    assert sizes["train"] >= 200
    assert all(0.14 <= sizes[split] / sum(sizes.values()) <= 0.21 for split in ("validation", "test"))


def test_clean_rows_differ_and_have_single_blanks(known: Known) -> None:
    rows = plant_samples.clean_rows(known.sample, known.folder)
    contents = [known.sample.content(row) for row in rows]
    assert len(set(contents)) == len(contents)
    assert [text for content in contents for text in content if text != " ".join(text.split())] == []


def test_every_split_has_every_label(known: Known) -> None:
    labels = {split: {name for cell in table["label"].to_pylist() for name in (cell if isinstance(cell, list) else [cell])}
              for split, table in known.raw.splits.items()}
    assert {str(label) for label in labels["train"]} == {name for cell in known.sample.other for name in cell.split(";") if name}
    assert labels["validation"] == labels["train"] == labels["test"]


def test_key_names_training_rows_as_often_as_the_script_says(known: Known) -> None:
    assert set(known.key) <= set(known.rows("train"))
    found = Counter(line["dirt"] for line in known.key.values())
    contradictions = [count for dirt, count in known.sample.counts.items() if dirt.endswith("contradiction")]
    assert found.pop("contradicted") == sum(contradictions)
    assert found == known.sample.counts


def test_key_names_the_rule_for_each_kind_of_dirt(known: Known) -> None:
    for line in known.key.values():
        allowed = {plant_samples.RULE.get(line["dirt"], "")} | ({""} if line["dirt"] == "near duplicate" else set())
        assert line["rule"] in allowed


def test_rules_find_exactly_the_rows_that_were_planted_for_them(known: Known) -> None:
    rules = {line["rule"] for line in known.key.values()} - {""}
    assert rules == {plant_samples.RULE[dirt] for dirt in known.sample.counts if dirt in plant_samples.RULE}
    planted = {rule: sorted(row for row, line in known.key.items() if line["rule"] == rule) for rule in rules}
    found = {rule: sorted(line.row for line in known.cleaned.ledger if line.rule == rule) for rule in rules}
    assert found == planted


def test_no_row_is_touched_by_a_second_rule_or_by_one_that_nothing_was_planted_for(known: Known) -> None:
    assert all(len(table) for table in known.cleaned.splits.values())
    assert sorted(line.row for line in known.cleaned.ledger) == sorted(row for row in known.key if known.key[row]["rule"])


def test_repaired_rows_read_as_they_did_before(known: Known) -> None:
    after = known.rows("train", cleaned=True)
    repaired = known.planted(*plant_samples.REPAIRED)
    assert repaired
    for row, line in repaired.items():
        assert bare(str(after[row][known.sample.place(line["dirt"])])) == bare(line["original"])


def bare(text: str) -> str:
    """A text without what a page puts between words, and with the apostrophes that people type."""
    return text.replace("\u2019", "'").replace("&", "").replace(" ", "")


def test_rows_that_are_not_in_the_key_stay_as_they_are(known: Known) -> None:
    before, after = known.rows("train"), known.rows("train", cleaned=True)
    assert [row for row in before if row not in known.key and after.get(row) != before[row]] == []


def test_original_of_every_copy_stays_and_no_side_of_a_contradiction_does(known: Known) -> None:
    stay = set(known.rows("train", cleaned=True))
    copies = known.planted(*(dirt for dirt in plant_samples.COPIES if dirt.endswith("duplicate")))
    contradictions = known.planted("contradiction", "swapped contradiction")
    assert {line["original"] for line in copies.values()} <= stay
    assert {line["original"] for line in contradictions.values()} == set(known.planted("contradicted"))
    assert not stay & {*contradictions, *known.planted("contradicted")}


@pytest.mark.parametrize("split", ["validation", "test"])
def test_rows_for_measuring_are_clean(known: Known, split: str) -> None:
    assert known.rows(split, cleaned=True) == known.rows(split)
    assert known.cleaned.quality["flagged"][split] == []


def test_no_row_and_no_side_of_a_pair_stands_in_two_splits(known: Known) -> None:
    assert all(count == 0 for pair in known.cleaned.quality["leakage"]["pairs"].values()
               for name, count in pair.items() if name != "action")
    texts = {split: {row[name] for row in known.rows(split, cleaned=True).values() for name in known.sample.texts}
             for split in known.raw.splits}
    assert sum(map(len, texts.values())) == len(set.union(*texts.values()))


def test_planting_again_changes_nothing(known: Known, tmp_path: Path) -> None:
    files = sorted(known.folder.glob("*.csv"))
    assert len(files) == 4
    for file in files:
        shutil.copy(file, tmp_path)
    plant_samples.main(known.folder.name, tmp_path)
    changed = [file.name for file in files if (tmp_path / file.name).read_bytes() != file.read_bytes()]
    assert changed == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name for file in files]
