"""The reviews sample is large and balanced, and no phrase comes back; what holds for every sample is tested beside it."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict

import pytest

from benchmarks import plant_samples

FOLDER = plant_samples.FOLDER / "reviews"
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def key() -> dict[str, dict[str, str]]:
    """Planted rows by row id."""
    with (FOLDER / "key.csv").open(encoding="utf-8", newline="") as opened:
        return {line["row"]: line for line in csv.DictReader(opened)}


@pytest.fixture(scope="module")
def clean_rows() -> Rows:
    """What was written by hand, before anything was planted."""
    return plant_samples.clean_rows(plant_samples.SAMPLES["reviews"], FOLDER)


def test_there_are_enough_clean_rows(clean_rows: Rows) -> None:
    assert len(clean_rows) >= 1200


def test_clean_rows_have_5_to_120_words(clean_rows: Rows) -> None:
    lengths = [len(row["text"].split()) for row in clean_rows]
    assert min(lengths) >= 5
    assert max(lengths) <= 120


def test_labels_are_balanced_within_two_per_cent(clean_rows: Rows) -> None:
    for rows in (clean_rows, *(plant_samples.read(FOLDER, split) for split in ("train", "validation", "test"))):
        labels = Counter(row["label"] for row in rows)
        assert set(labels) == {"positive", "negative"}
        assert abs(labels["positive"] / len(rows) - 0.5) <= 0.02


def test_no_six_words_in_a_row_stand_in_more_than_three_rows(clean_rows: Rows) -> None:
    rows_of = defaultdict(set)
    for number, row in enumerate(clean_rows):
        words = re.findall(r"[\w']+", row["text"].lower())
        for start in range(len(words) - 5):
            rows_of[" ".join(words[start : start + 6])].add(number)
    assert len(rows_of) > 10_000
    assert {run: len(rows) for run, rows in rows_of.items() if len(rows) > 3} == {}


def test_one_training_row_in_eight_is_planted(key: dict[str, dict[str, str]]) -> None:
    planted = [line for line in key.values() if line["dirt"] != "contradicted"]  # the originals of contradictions
    assert 0.10 <= len(planted) / len(plant_samples.read(FOLDER, "train")) <= 0.14


def test_only_a_near_duplicate_of_less_than_eight_words_is_for_no_rule(key: dict[str, dict[str, str]]) -> None:
    texts = {row["row"]: row["text"] for row in plant_samples.read(FOLDER, "train")}
    near = {row: bool(line["rule"]) for row, line in key.items() if line["dirt"] == "near duplicate"}
    assert near == {row: len(texts[row].split()) >= 8 for row in near}
    assert sum(near.values()) == len(near) - 1
