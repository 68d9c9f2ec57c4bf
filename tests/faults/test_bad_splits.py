"""What is wrong with a group, a time or an earlier split is said before a row is trained on."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from finetune.errors import FinetuneError
from finetune.run import pipeline
from finetune.run.prepare import prepare
from finetune.verbs.arguments import out

WORDS = [f"word{number}" for number in range(2_000)]
NAMES = ("text", "label", "patient", "date")


def written(file: Path, rows: list[tuple[str, ...]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([NAMES, *rows])
    return file


def rows(num_rows: int, num_groups: int, seed: int = 0) -> list[tuple[str, ...]]:
    order = random.Random(seed)
    return [(" ".join(order.choices(WORDS, k=12)), order.choice(("good", "bad")), f"patient {order.randrange(num_groups)}",
             f"20{order.randrange(10, 24)}-{order.randrange(1, 13):02}-{order.randrange(1, 29):02}") for _ in range(num_rows)]


def prepared(tmp_path: Path, *overrides: str) -> list[dict[str, str]]:
    """The lines of `split.jsonl` after the first stage."""
    made = pipeline.start("sentiment", [f"output_dir={tmp_path / 'runs'}", *overrides], command="", console=out)
    prepare(made)
    return [json.loads(line) for line in (made.folder.path / "data/split.jsonl").read_text().splitlines()]


def refusal(tmp_path: Path, *overrides: str) -> str:
    with pytest.raises(FinetuneError) as caught:
        prepared(tmp_path, *overrides)
    return str(caught.value)


def test_groups_stay_whole_and_an_earlier_split_is_kept_as_rows_are_added(tmp_path):
    all_rows = rows(600, 60)
    first = prepared(tmp_path, f"data.files.train={written(tmp_path / 'a.csv', all_rows[:480])}", "data.columns.group=patient")
    kept = tmp_path / "split.jsonl"
    kept.write_text("".join(f"{json.dumps(line)}\n" for line in first))
    more = prepared(tmp_path, f"data.files.train={written(tmp_path / 'b.csv', all_rows[::-1])}", "data.columns.group=patient",
                    f"data.split.file={kept}", "seed=7")
    side = {line["hash"]: line["split"] for line in first}
    assert len(more) == 600
    assert side == {
        line["hash"]: line["split"] for line in more if line["hash"] in side}
    sides = {}
    for line in more:
        sides.setdefault(line["group"], set()).add(line["split"])
    assert {len(found) for found in sides.values()} == {1}


def test_newest_rows_are_held_out(tmp_path):
    all_rows = rows(300, 5)
    file = written(tmp_path / "a.csv", all_rows)
    split_of = {line["row"]: line["split"] for line in prepared(tmp_path, f"data.files.train={file}", "data.columns.time=date")}
    dates = {split: [row[3] for number, row in enumerate(all_rows, 2) if split_of[f"a.csv:{number}"] == split]
             for split in ("train", "validation", "test")}
    assert max(dates["train"]) < min(dates["validation"])
    assert max(dates["validation"]) < min(dates["test"])


def test_too_few_groups_say_how_many_are_needed(tmp_path):
    file = written(tmp_path / "a.csv", rows(60, 2))
    assert refusal(tmp_path, f"data.files.train={file}", "data.columns.group=patient") == (
        "data.split: too few distinct groups of 2 of 2 labels to hold out validation and test: 'bad' (rows: 26, distinct: 2), "
        "'good' (rows: 34, distinct: 2). At least 3 distinct groups per label are needed, one for each split. Add groups, or "
        "give data.files.validation and data.files.test.")


def test_empty_group_column_is_refused(tmp_path):
    file = written(tmp_path / "a.csv", [(*row[:2], "", row[3]) for row in rows(30, 3)])
    assert refusal(tmp_path, f"data.files.train={file}", "data.columns.group=patient") == (
        "data.columns.group: all 30 rows have an empty group. Name another column, or leave it out.")


def test_unreadable_times_name_their_rows(tmp_path):
    made = rows(30, 3)
    made[3], made[7] = (*made[3][:3], "soon"), (*made[7][:3], "")
    file = written(tmp_path / "a.csv", made)
    assert refusal(tmp_path, f"data.files.train={file}", "data.columns.time=date") == (
        "data.columns.time: 2 of 30 rows have no time that can be read: a.csv:5 'soon', a.csv:9 (empty). Allowed are dates "
        "(2024-04-03, 2024-04-03 17:05, 3 April 2024, 03.04.2024) and numbers (years, seconds). Correct or remove them.")


@pytest.mark.parametrize(("dates", "said"), [
    (["03/04/2024", "05/06/2024"], "'03/04/2024' (a.csv:2) and all dates like it can be read with the day or the month first"),
    (["13/04/2024", "04/13/2024"], "'13/04/2024' (a.csv:2) has the day first, but '04/13/2024' (a.csv:3) the month"),
    (["2024-01-01", "2024-01-01T00:00Z"], "some times name their zone and others do not: '2024-01-01T00:00Z' and '2024-01-01'"),
])
def test_times_of_which_nobody_knows_the_order_are_refused(dates, said, tmp_path):
    file = written(tmp_path / "a.csv", [(*row[:3], day) for row, day in zip(rows(2, 3), dates, strict=True)])
    assert refusal(tmp_path, f"data.files.train={file}", "data.columns.time=date").startswith(f"data.columns.time: {said}")


@pytest.mark.parametrize(("setting", "key"), [("data.columns.time=date", "data.columns.time"),
                                              ("data.split.file=SPLIT", "data.split.file")])
def test_what_rules_the_split_is_refused_where_nothing_is_held_out(setting, key, tmp_path):
    file, kept = written(tmp_path / "a.csv", rows(30, 3)), tmp_path / "split.jsonl"
    kept.write_text('{"row": "a", "split": "train", "hash": "b"}\n')
    given = [f"data.files.{split}={file}" for split in ("train", "validation", "test")]
    assert refusal(tmp_path, *given, setting.replace("SPLIT", str(kept))) == (
        f"{key}: says which rows are held out, but validation and test rows are given. Leave it out.")


def test_split_of_other_data_is_refused(tmp_path):
    kept = tmp_path / "split.jsonl"
    kept.write_text('{"row": "a", "split": "train", "hash": "b"}\n')
    file = written(tmp_path / "a.csv", rows(30, 3))
    assert refusal(tmp_path, f"data.files.train={file}", f"data.split.file={kept}").startswith(
        "data.split.file: it knows none of these 30 rows.")
