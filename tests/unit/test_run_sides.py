"""Sides by content and group: what belongs together stays together, also when rows are added."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from finetune.run import pipeline
from finetune.run.prepare import prepare
from finetune.verbs.arguments import out

WORDS = [f"word{number}" for number in range(3_000)]
Rows = list[tuple[str, str, str]]  # text, label, patient


def made(seed: int, num_groups: int, *, twins: int) -> Rows:
    """Ten rows of each group, and near copies of some of them in other groups."""
    order = random.Random(seed)
    rows = [(" ".join(order.choices(WORDS, k=16)), order.choices(("good", "bad"), (4, 1))[0], f"p{group}")
            for group in range(num_groups) for _ in range(10)]
    copied = [(f"{text} indeed", label, f"p{order.randrange(num_groups)}") for text, label, _ in order.sample(rows, twins)]
    return [*rows, *copied]


def sides(tmp_path: Path, rows: Rows, *overrides: str, kind: str | None = "group") -> dict[str, str]:
    """Text to split; `kind` is the role of the third column."""
    file = tmp_path / "a.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([("text", "label", "patient"), *rows])
    run = pipeline.start("sentiment", [f"output_dir={tmp_path / str(len(list(tmp_path.iterdir())))}", f"data.files.train={file}",
                                       "clean.label_errors=off", "clean.strangers=off",  # they say nothing of sides, and take long
                                       *([f"data.columns.{kind}=patient"] if kind else []), *overrides], command="", console=out)
    prepare(run)
    lines = [json.loads(line) for line in (run.folder.path / "data/split.jsonl").read_text().splitlines()]
    return {rows[int(line["row"].partition(":")[2]) - 2][0]: line["split"] for line in lines}


@pytest.mark.parametrize("seed", range(3))
def test_groups_and_the_near_copies_between_them_stay_on_one_side(seed, tmp_path):
    rows = made(seed, 120, twins=30)
    split_of, of_group = sides(tmp_path, rows), defaultdict(set)
    for text, _, group in rows:
        of_group[group].add(split_of[text])
        of_group[group].add(split_of[text.removesuffix(" indeed")])
    assert {len(found) for found in of_group.values()} == {1}
    for split in ("validation", "test"):
        found = Counter(label for text, label, _ in rows if split_of[text] == split)
        totals = Counter(label for _, label, _ in rows)
        assert all(abs(found[label] / totals[label] - 0.1) < 0.04 for label in totals)


@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_more_groups_and_rows_move_few_groups(seed, tmp_path):
    rows = made(seed, 240, twins=0)
    before, after = sides(tmp_path, rows[:2_000]), sides(tmp_path, rows)
    moved = {group for text, _, group in rows[:2_000] if before[text] != after[text]}
    assert len(moved) <= 10  # of 200


def test_word_that_all_groups_have_does_not_hold_them_together(tmp_path):
    rows = [*made(0, 30, twins=0), *(("Yes, I agree with that.", "good", f"p{group}") for group in range(30))]
    split_of = sides(tmp_path, rows)
    assert set(split_of.values()) == {"train", "validation", "test"}


def test_near_copy_of_a_newer_row_is_left_out_of_training(tmp_path):
    rows = [(text, label, str(1900 + number)) for number, (text, label, _) in enumerate(made(0, 12, twins=0))]
    rows[3] = (f"{rows[-1][0]} indeed", rows[-1][1], rows[3][2])
    split_of = sides(tmp_path, rows, "data.columns.time=patient", kind=None)
    assert split_of[rows[-1][0]] == "test"
    assert rows[3][0] not in split_of


def test_time_decides_and_groups_in_two_times_leave_training(tmp_path):
    rows = made(0, 30, twins=0)
    order = sorted(rows, key=lambda row: int(row[2][1:]))  # one group after the other, and one that comes again at the end
    dated = [(text, label, group if number < 298 else "p0") for number, (text, label, group) in enumerate(order)]
    file = tmp_path / "dated.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([("text", "label", "patient", "year"),
                                      *((*row, 1700 + number) for number, row in enumerate(dated))])
    split_of = sides(tmp_path, dated, "data.columns.time=year", f"data.files.train={file}")
    assert {split_of.get(text) for text, _, group in dated[:10]} == {None}
    assert split_of[dated[10][0]] == "train"
    assert split_of[dated[-1][0]] == "test"


def test_rows_are_known_by_their_content_before_it_was_repaired(tmp_path):
    rows = made(0, 30, twins=0)
    rows = [(f"  {text}\u200b ", label, group) for text, label, group in rows]
    first = sides(tmp_path, rows)
    kept = next(tmp_path.glob("*/sentiment/*/data/split.jsonl")).rename(tmp_path / "split.jsonl")
    assert sides(tmp_path, rows[::-1], f"data.split.file={kept}", "seed=99") == first
