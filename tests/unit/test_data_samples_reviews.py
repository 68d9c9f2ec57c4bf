"""The reviews sample: good rows, known dirt, and rules that find exactly what was planted for them."""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks import plant_reviews
from finetune.clean import engine
from finetune.clean.engine import Cleaned
from finetune.contracts import SplitRows
from finetune.data import sources
from finetune.spec import Data, Hub

ROLES = {"text": "text", "label": "label"}
DATA = Data(hub=Hub(name="x"), sample="reviews")
RULES = ("blanks", "contradictions", "duplicates", "encoding", "markup", "near_duplicates", "whitespace")


@pytest.fixture(scope="module")
def key() -> dict[str, dict[str, str]]:
    """Planted rows by row id."""
    with (plant_reviews.FOLDER / "key.csv").open(encoding="utf-8", newline="") as opened:
        return {line["row"]: line for line in csv.DictReader(opened)}


@pytest.fixture(scope="module")
def clean_rows() -> list[dict[str, str]]:
    """What was written by hand, before anything was planted."""
    return plant_reviews.clean_rows()


@pytest.fixture(scope="module")
def raw() -> SplitRows:
    """The sample as a run reads it."""
    return sources.read(DATA, "sample", ROLES)


@pytest.fixture(scope="module")
def cleaned(raw: SplitRows) -> Cleaned:
    """The sample after the rules at their defaults."""
    return engine.clean(raw.splits, ROLES, {})


def cells(splits: dict[str, Any], split: str) -> dict[str, tuple[str, str]]:
    """Text and label of every row."""
    table = splits[split]
    texts, labels = table["text"].to_pylist(), table["label"].to_pylist()
    return dict(zip(table["row"].to_pylist(), zip(texts, labels, strict=True), strict=True))


def test_there_are_enough_clean_rows(clean_rows: list[dict[str, str]]) -> None:
    assert len(clean_rows) >= 1200


def test_clean_rows_have_5_to_120_words(clean_rows: list[dict[str, str]]) -> None:
    lengths = [len(row["text"].split()) for row in clean_rows]
    assert min(lengths) >= 5
    assert max(lengths) <= 120


def test_clean_rows_differ_and_have_single_blanks(clean_rows: list[dict[str, str]]) -> None:
    texts = [row["text"] for row in clean_rows]
    assert len(set(texts)) == len(texts)
    assert [text for text in texts if text != " ".join(text.split())] == []


def test_labels_are_balanced_within_two_per_cent(clean_rows: list[dict[str, str]], raw: SplitRows) -> None:
    hand_written = Counter(row["label"] for row in clean_rows)
    assert set(hand_written) == {"positive", "negative"}
    assert abs(hand_written["positive"] / len(clean_rows) - 0.5) <= 0.02
    for table in raw.splits.values():
        assert abs(table["label"].to_pylist().count("positive") / table.num_rows - 0.5) <= 0.02


def test_no_six_words_in_a_row_stand_in_more_than_three_rows(clean_rows: list[dict[str, str]]) -> None:
    rows_of = defaultdict(set)
    for number, row in enumerate(clean_rows):
        words = re.findall(r"[\w']+", row["text"].lower())
        for start in range(len(words) - 5):
            rows_of[" ".join(words[start : start + 6])].add(number)
    assert len(rows_of) > 10_000
    assert {run: len(rows) for run, rows in rows_of.items() if len(rows) > 3} == {}


def test_one_training_row_in_eight_is_planted(key: dict[str, dict[str, str]], raw: SplitRows) -> None:
    planted = [line for line in key.values() if line["dirt"] != "contradicted"]  # the originals of contradictions
    assert 0.10 <= len(planted) / raw.splits["train"].num_rows <= 0.14
    assert set(key) <= set(raw.splits["train"]["row"].to_pylist())


def test_every_kind_of_dirt_is_there_as_often_as_the_script_says(key: dict[str, dict[str, str]]) -> None:
    found = Counter(line["dirt"] for line in key.values())
    assert found.pop("contradicted") == plant_reviews.COUNTS["contradiction"]
    assert found == plant_reviews.COUNTS


def test_key_names_the_rule_for_each_kind_of_dirt(key: dict[str, dict[str, str]]) -> None:
    expected = plant_reviews.RULE | {"contradicted": "contradictions"}
    told = {line["dirt"]: line["rule"] for line in key.values() if line["dirt"] != "near duplicate" or line["rule"]}
    assert told == {dirt: expected.get(dirt, "") for dirt in (*plant_reviews.COUNTS, "contradicted")}


def test_only_a_near_duplicate_of_less_than_eight_words_is_for_no_rule(key: dict[str, dict[str, str]], raw: SplitRows) -> None:
    texts = cells(raw.splits, "train")
    near = {row: bool(line["rule"]) for row, line in key.items() if line["dirt"] == "near duplicate"}
    assert near == {row: len(texts[row][0].split()) >= 8 for row in near}
    assert sum(near.values()) == len(near) - 1


@pytest.mark.parametrize("rule", RULES)
def test_rule_finds_exactly_the_rows_that_were_planted_for_it(key: dict[str, dict[str, str]], cleaned: Cleaned, rule: str) -> None:
    planted = {row for row, line in key.items() if line["rule"] == rule}
    assert planted
    assert {line.row for line in cleaned.ledger if line.rule == rule} == planted


def test_rules_that_are_planted_for_are_all_tested(key: dict[str, dict[str, str]]) -> None:
    assert sorted({line["rule"] for line in key.values()} - {""}) == sorted(RULES)


@pytest.mark.parametrize("rule", ["labels_in_text", "language", "outliers", "personal_data", "placeholders", "unicode_form"])
def test_rule_that_nothing_was_planted_for_finds_nothing(cleaned: Cleaned, rule: str) -> None:
    assert rule in cleaned.quality["rules"]
    assert [line.row for line in cleaned.ledger if line.rule == rule] == []


def test_no_row_is_touched_by_a_second_rule(cleaned: Cleaned) -> None:
    assert [row for row, count in Counter(line.row for line in cleaned.ledger).items() if count > 1] == []


def test_repaired_rows_read_as_they_did_before(key: dict[str, dict[str, str]], cleaned: Cleaned) -> None:
    after = cells(cleaned.splits, "train")
    repaired = [row for row, line in key.items() if line["dirt"] == "white space"]
    assert repaired
    assert {row: after[row][0] for row in repaired} == {row: key[row]["original"] for row in repaired}


def test_pages_read_as_they_did_before_but_for_an_ampersand(key: dict[str, dict[str, str]], cleaned: Cleaned) -> None:
    after = cells(cleaned.splits, "train")
    repaired = [row for row, line in key.items() if line["dirt"] == "html"]
    assert repaired
    for row in repaired:  # one kind of dirt puts `&amp;` between two words, which is an ampersand afterwards
        assert after[row][0].replace(" & ", " ") == key[row]["original"].replace(" & ", " ")


def test_repaired_encoding_reads_as_it_did_before_but_for_apostrophes(key: dict[str, dict[str, str]], cleaned: Cleaned) -> None:
    after = cells(cleaned.splits, "train")
    repaired = [row for row, line in key.items() if line["dirt"] == "broken encoding"]
    assert repaired
    for row in repaired:  # typographic apostrophes were put in, as the programs do that break the encoding
        assert after[row][0].replace("\u2019", "'") == key[row]["original"].replace("\u2019", "'")


def test_rows_that_are_not_in_the_key_stay_as_they_are(key: dict[str, dict[str, str]], raw: SplitRows, cleaned: Cleaned) -> None:
    before, after = cells(raw.splits, "train"), cells(cleaned.splits, "train")
    others = [row for row in before if row not in key]
    assert [row for row in others if after.get(row) != before[row]] == []


def test_original_of_every_copy_stays(key: dict[str, dict[str, str]], cleaned: Cleaned) -> None:
    originals = {line["original"] for line in key.values() if line["dirt"].endswith("duplicate")}
    assert originals
    assert originals <= set(cleaned.splits["train"]["row"].to_pylist())


def test_both_sides_of_every_contradiction_go(key: dict[str, dict[str, str]], cleaned: Cleaned) -> None:
    sides = {row for row, line in key.items() if line["dirt"] in ("contradiction", "contradicted")}
    assert {line["original"] for line in key.values() if line["dirt"] == "contradiction"} <= sides
    assert not sides & set(cleaned.splits["train"]["row"].to_pylist())


def test_dirt_that_no_rule_is_for_is_left_alone(key: dict[str, dict[str, str]], raw: SplitRows, cleaned: Cleaned) -> None:
    before, after = cells(raw.splits, "train"), cells(cleaned.splits, "train")
    later = [row for row, line in key.items() if not line["rule"]]
    assert {key[row]["dirt"] for row in later} == {"near duplicate", "flipped label"}
    assert [row for row in later if after.get(row) != before[row]] == []


@pytest.mark.parametrize("split", ["validation", "test"])
def test_rows_for_measuring_are_clean(raw: SplitRows, cleaned: Cleaned, split: str) -> None:
    assert cells(cleaned.splits, split) == cells(raw.splits, split)
    assert cleaned.quality["flagged"][split] == []


def test_no_row_stands_in_two_splits(cleaned: Cleaned) -> None:
    assert all(count == 0 for pair in cleaned.quality["leakage"]["pairs"].values()
               for name, count in pair.items() if name != "action")


def test_planting_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted(plant_reviews.FOLDER.glob("*.csv"))
    assert len(files) == 4
    for file in files:
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(plant_reviews, "FOLDER", tmp_path)
    plant_reviews.main()
    changed = [file.name for file in files if (tmp_path / file.name).read_bytes() != file.read_bytes()]
    assert changed == []
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == [file.name for file in files]
