"""The road of a verdict: cleaned, judged in a spreadsheet, given back, remembered by later runs."""

from __future__ import annotations

import csv
import itertools
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.backbones import tiny
from finetune.clean import ledger
from finetune.clean.restore import restore
from finetune.cli import app
from finetune.errors import DataError, SpecError
from finetune.run.folder import RunFolder
from tests.conftest import finetune, sample_words

THINGS = ["soup", "bread", "view", "waiter", "garden", "music", "coffee", "room"]
ROWS = [(" ".join([f"Number {number}:", *random.Random(number).sample(THINGS, 6), "and more."]), "good" if number % 2 else "bad")
        for number in range(60)]
TWICE = "Nobody knows whether this is good."
GERMAN = "Das ist nicht gut, aber auch nicht schlecht, und wir haben es nicht gegessen."
DIRT = [(TWICE, "good"), (TWICE, "bad"), ("n/a", "bad"), ("Write to ann@mail.example.", "good"), ("[GOO] label: good", "good")]
HELD = [("A held-out row that is plain.", "good"), ("Another one of them, not so plain.", "bad"), ("none", "bad")]


def write(file: Path, rows: list[tuple[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([("review", "label"), *rows])


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a table of its own for each split."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.csv", DIRT + ROWS)
    write(tmp_path / "validation.csv", HELD[:2])
    write(tmp_path / "test.csv", HELD)
    return tmp_path


FILES = ["data.files.train=train.csv", "data.columns.text=review", "data.files.validation=validation.csv", "data.files.test=test.csv",
         "clean.label_errors=off", "clean.strangers=off"]  # they would load a backbone
BATCHES = itertools.count(32)


def clean(*arguments: str, recipe: str = "sentiment") -> tuple[Path, str]:
    """The run folder that `finetune clean` leaves and what it prints."""
    other = f"train.batch={next(BATCHES)}"  # a folder of its own: two runs of one second are told apart by their settings
    result = CliRunner().invoke(app, ["clean", recipe, *FILES, other, *arguments], env={"COLUMNS": "80", "TERM": "dumb"})
    if result.exception:
        raise result.exception
    found = re.search(r"next +finetune run \S+ --resume (\S+)", result.output)
    assert found
    return Path(found[1]), result.output


def judged(run: Path, file: Path, say: Callable[[dict[str, str]], str | None]) -> Path:
    """The sheet of a run with a verdict for each line that `say` has one for, as a German spreadsheet saves it."""
    with (run / "data" / "review.csv").open(encoding="utf-8-sig", newline="") as opened:
        lines = list(csv.DictReader(opened))
    with file.open("w", encoding="cp1252", errors="replace", newline="") as opened:
        writer = csv.DictWriter(opened, list(lines[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(line | {"verdict": say(line) or ""} for line in lines)
    return file


def verdict(line: dict[str, str]) -> str | None:
    if line["text"] == TWICE:
        return "good"
    return {"placeholders": "drop", "labels_in_text": "keep"}.get(line["rule"]) if line["split"] == "train" else None


def rows(run: Path, split: str = "train") -> list[tuple[str, str]]:
    table = RunFolder(run).table(split)
    return list(zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True))


def test_verdicts_are_followed_remembered_and_not_asked_for_again(cwd: Path) -> None:
    first, text = clean()
    assert re.search(r"review +runs/sentiment/\S+/data/review.csv  5 findings to judge: write keep, drop or a label", text)
    command = re.search(r"apply +finetune clean sentiment --apply (\S+) (.*)", text)
    assert command and command[2].split()[:-1] == FILES
    assert TWICE not in dict(rows(first))
    second, text = clean("--apply", str(judged(first, cwd / "back.csv", verdict)))
    assert "4 verdicts are remembered in runs/sentiment/verdicts.jsonl" in text
    assert "4 of 4 verdicts applied: 1 relabelled, 1 dropped, 2 findings kept" in text
    assert rows(second).count((TWICE, "good")) == 1
    assert "n/a" not in dict(rows(second))
    third, text = clean()
    assert "4 of 4 verdicts applied" in text
    assert rows(third) == rows(second)
    with (third / "data" / "review.csv").open(encoding="utf-8-sig", newline="") as opened:
        assert {(line["split"], line["rule"]) for line in csv.DictReader(opened)} == {("test", "placeholders")}
    quality = RunFolder(third).read("data/quality.json")
    assert quality["verdicts"]["used"] == {"keep": 2, "drop": 1, "relabel": 1}
    levels = {line["check"]: line["level"] for line in quality["tally"]}
    assert levels["contradictions"] == "good"
    assert levels["personal_data"] == "warn"


def test_rows_as_they_came_are_given_back_although_they_were_judged(cwd: Path) -> None:
    first, _ = clean()
    second, _ = clean("--apply", str(judged(first, cwd / "back.csv", verdict)))
    lines = ledger.read(second / "data" / "ledger.jsonl")
    assert restore(RunFolder(second).table("train"), lines)["text"].to_pylist() == [text for text, _ in DIRT + ROWS]
    assert restore(RunFolder(second).table("train"), lines)["label"].to_pylist() == [label for _, label in DIRT + ROWS]


def test_held_out_rows_are_touched_only_where_the_setting_says_so(cwd: Path) -> None:
    first, _ = clean()
    sheet = judged(first, cwd / "back.csv", lambda line: "drop" if line["split"] == "test" else None)
    second, text = clean("--apply", str(sheet))
    assert "1 verdicts are about validation or test rows, which stay as they are; clean.verdicts=all applies them too" in text
    assert rows(second, "test") == HELD
    third, text = clean("clean.verdicts=all")
    assert "validation or test rows were changed by verdicts: scores before and after cannot be compared" in text
    assert rows(third, "test") == HELD[:2]


def test_verdicts_can_be_left_aside(cwd: Path) -> None:
    first, _ = clean()
    clean("--apply", str(judged(first, cwd / "back.csv", verdict)))
    third, text = clean("clean.verdicts=off")
    assert "verdicts in runs/sentiment/verdicts.jsonl are not applied: clean.verdicts=off" in text
    assert rows(third) == rows(first)
    with pytest.raises(SpecError, match=r"^--apply: clean\.verdicts=off says that no verdicts are applied\. Leave one of them out\.$"):
        clean("--apply", "back.csv", "clean.verdicts=off")


def test_verdict_follows_its_row_to_another_place_in_the_file(cwd: Path) -> None:
    first, _ = clean()
    clean("--apply", str(judged(first, cwd / "back.csv", verdict)))
    write(cwd / "train.csv", [*ROWS, ("A new row, unlike all that were there.", "good"), *reversed(DIRT)])
    again, text = clean()
    assert "4 of 4 verdicts applied" in text
    assert (TWICE, "good") in rows(again)


def test_bad_sheet_leaves_neither_run_nor_memory(cwd: Path) -> None:
    first, _ = clean()
    sheet = judged(first, cwd / "back.csv", lambda line: "dorp")
    with pytest.raises(DataError, match=r"^back\.csv:2: verdict 'dorp' found, allowed is keep, drop or a label \(bad, good\)"):
        clean("--apply", sheet.name)
    with pytest.raises(DataError, match=r"^train\.csv: has no column hash, rule, verdict; columns found: review, label\."):
        clean("--apply", "train.csv")
    assert [path.name for path in (cwd / "runs" / "sentiment").iterdir()] == [first.name]


def test_cleaned_rows_that_are_written_out_follow_verdicts(cwd: Path) -> None:
    first, _ = clean()
    clean("--apply", str(judged(first, cwd / "back.csv", verdict)), "--to", "cleaned")
    with (cwd / "cleaned" / "train.csv").open(encoding="utf-8", newline="") as opened:
        assert {row["review"]: row["label"] for row in csv.DictReader(opened)}[TWICE] == "good"


def test_rows_without_anything_to_judge_leave_no_sheet(cwd: Path) -> None:
    write(cwd / "train.csv", ROWS)
    write(cwd / "test.csv", HELD[:2])
    write(cwd / "validation.csv", [("One more row that is plain.", "good"), ("And one that is not.", "bad")])
    run, text = clean("clean.near_duplicates=off")
    assert not (run / "data" / "review.csv").exists()
    assert "to judge" not in text


def test_refused_rows_are_told_with_all_that_is_worth_a_look(cwd: Path) -> None:
    write(cwd / "train.csv", [*DIRT, *ROWS, ("no label", ""), ("none either", "")])
    result = CliRunner().invoke(app, ["clean", "sentiment", *FILES, "clean.placeholders=fail"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert "worth a look" in result.output and "contradictions" in result.output
    assert str(result.exception).splitlines() == [
        "data.files.train: train.csv:4: column 'review' (text) has a word for a missing text. Fix it or set clean.placeholders=drop.",
        "data.files.train: train.csv:67: column 'label' is empty. 2 rows like it (67, 68). Fix them or set clean.missing_labels=drop."]
    assert not list((cwd / "runs" / "sentiment").iterdir())


@pytest.mark.slow
def test_training_uses_the_verdicts_and_a_resumed_run_those_that_it_began_with(cwd: Path) -> None:
    first, _ = clean()
    second, _ = clean("--apply", str(judged(first, cwd / "back.csv", verdict)))
    (cwd / "runs" / "sentiment" / "verdicts.jsonl").unlink()
    small = ["train.length=2steps", "train.precision=fp32", "train.threads=1", "model.family=hf"]
    backbone = tiny.write("bert", cwd / "backbone", words=sample_words())
    third, _ = clean("--apply", "back.csv", f"model.name={backbone}", *small)
    (cwd / "runs" / "sentiment" / "verdicts.jsonl").write_text("no verdict")
    done = finetune("run", "sentiment", "--resume", str(third), cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(third) == rows(second)
    assert json.loads((third / "metrics.json").read_text())["splits"]["test"]["rows"] == len(HELD)
    failed = finetune("run", "sentiment", *FILES, cwd=cwd)
    assert failed.returncode == 1
    assert "there is no verdict in lines 1. Remove these lines, or set clean.verdicts=off." in failed.stderr
