"""What `finetune clean` shows and leaves behind, on a small dirty file."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.cli import app
from finetune.errors import DataError, SpecError
from finetune.run.folder import RunFolder
from finetune.verbs.findings import quoted
from finetune.write import read_json

DIRT = [
    ("Caf\u00c3\u00a9 with a view, and a pie to remember.", "good"),  # line 2: UTF-8 read as Latin-1
    ("Fine   soup,\u00a0finer bread. ", "good"),
    ("\u200b", "bad"),
    ("The same words again.", "good"),
    ("the same words again", "good"),
    ("Nobody knows whether this is good.", "good"),
    ("Nobody knows whether this is good.", "bad"),
]
CLEAN = [(f"Sentence number {number}, which is like no other.", "good" if number % 2 else "bad") for number in range(60)]


def write(file: Path, rows: list[tuple[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([("review", "label"), *rows])


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a dirty training file and a test file that has one of its rows."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.csv", DIRT + CLEAN)
    write(tmp_path / "validation.csv", [("Held out, and fine.", "good"), ("Held out, and not fine.", "bad")])
    write(tmp_path / "test.csv", [CLEAN[0], ("Caf\u00c3\u00a9 unknown to training.", "good"), ("A row of its own.", "bad")])
    return tmp_path


def clean(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["clean", "sentiment", "data.files.train=train.csv", "data.columns.text=review",
                                      "data.files.validation=validation.csv", "data.files.test=test.csv",
                                      "clean.label_errors=off", "clean.strangers=off", *arguments], env={"COLUMNS": "80", "TERM": "dumb"})
    if result.exception:
        raise result.exception
    return result.output


def test_every_rule_has_its_counts_by_split(cwd: Path) -> None:
    cells = {line.split()[1]: re.split(r"\s{2,}", line.strip())[3:] for line in clean().splitlines()
             if re.match(r"  (good|warn)  \w+ +(fix|drop|fail) ", line)}
    assert cells == {
        "encoding": ["1 changed", "-", "1 reported"], "blanks": ["1 dropped", "-", "-"], "whitespace": ["1 changed", "-", "-"],
        "missing_labels": ["-", "-", "-"], "contradictions": ["2 dropped", "-", "-"], "duplicates": ["1 dropped", "-", "-"],
        "leakage": ["1 dropped", "-", "1 reported"], "markup": ["-", "-", "-"], "unicode_form": ["-", "-", "-"],
    }


def test_examples_show_what_changed_and_what_cannot_be_seen(cwd: Path) -> None:
    text = clean()
    assert "train.csv:2: column 'review' (text) has damaged encoding" in text
    assert '- "Caf\u00c3\u00a9 with a view' in text and '+ "Caf\u00e9 with a view' in text
    assert r'- "Fine   soup,\xa0finer bread. "' in text and '+ "Fine soup, finer bread."' in text
    assert r'"\u200b"' in text
    assert "copy of train.csv:5 but for case, blanks or punctuation" in text


def test_tables_and_examples_fit_eighty_columns(cwd: Path) -> None:
    lines = clean().partition("what was found")[2].partition("  ledger")[0].splitlines()
    assert len(lines) > 20
    assert max(map(len, lines)) <= 80


def test_the_run_is_ready_to_be_trained_and_its_command_is_named(cwd: Path) -> None:
    command = re.search(r"next +finetune run sentiment --resume (\S+)", clean())
    assert command
    run = RunFolder(Path(command[1]))
    assert run.next_stage == "train"
    assert len((run.path / "data" / "ledger.jsonl").read_text().splitlines()) == 9


def test_page_about_the_rows_is_left_and_named(cwd: Path) -> None:
    place = re.search(r"report +(\S+report.html)", clean())
    assert place
    page = Path(place[1]).read_text()
    assert "data report" in page and "Not done:" not in page
    assert re.search(r"2 equal rows in train: <[^>]+>train\.csv:5, 6<", page)
    assert RunFolder(Path(place[1]).parent).next_stage == "train"


def test_nothing_heavy_is_loaded_where_no_rule_needs_the_backbone(cwd: Path) -> None:
    code = ("import sys; from finetune.cli import app\n"
            "app(['clean', 'sentiment', 'data.files.train=train.csv', 'data.columns.text=review', 'clean.label_errors=off', "
            "'clean.strangers=off'], standalone_mode=False)\n"
            "assert not {'torch', 'transformers', 'accelerate'} & set(sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_cleaned_rows_are_written_under_the_users_column_names(cwd: Path) -> None:
    text = clean("--to", "cleaned")
    with (cwd / "cleaned" / "train.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert list(rows[0]) == ["row", "review", "label"]
    assert "Caf\u00e9 with a view, and a pie to remember." in [row["review"] for row in rows]
    with (cwd / "cleaned" / "test.csv").open(encoding="utf-8", newline="") as opened:
        assert [row["review"] for row in csv.DictReader(opened)][1] == "Caf\u00c3\u00a9 unknown to training."
    assert "cleaned/train.csv" in text
    assert not list(cwd.glob(".cleaned*"))


def test_what_was_written_is_clean(cwd: Path) -> None:
    clean("--to", "cleaned")
    clean("data.files.train=cleaned/train.csv", "data.files.validation=cleaned/validation.csv", "output_dir=again")
    (folder,) = (cwd / "again" / "sentiment").iterdir()
    quality = json.loads((folder / "data" / "quality.json").read_text())
    assert quality["rows"]["train"]["before"] == quality["rows"]["train"]["after"] > 40


@pytest.mark.parametrize(("recipe", "header", "rows", "columns", "names"), [
    ("toxicity", ("comment", "rude", "loud"), [(text, number % 2, number % 3 % 2) for number, (text, _) in enumerate(CLEAN)],
     {"text": "comment", "label": "rude,loud"}, ["row", "comment", "label"]),
    ("sentiment", None, CLEAN, {"text": "0", "label": "1"}, ["row", "text", "label"]),
    ("sentiment", ("row", "mood"), CLEAN, {"text": "row", "label": "mood"}, ["row", "text", "mood"]),
])
def test_what_was_written_is_read_again(cwd: Path, recipe: str, header: tuple[str, ...] | None, rows: list[tuple[object, ...]],
                                        columns: dict[str, str], names: list[str]) -> None:
    with (cwd / "own.csv").open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *rows] if header else rows)
    off = ["clean.label_errors=off", "clean.strangers=off"]
    given = ["data.files.train=own.csv", *(f"data.columns.{role}={name}" for role, name in columns.items())]
    assert not CliRunner().invoke(app, ["clean", recipe, *given, *off, "--to", "cleaned"]).exception
    (file,) = (cwd / "cleaned").glob("train.*")
    again = [f"data.columns.{role}={name}" for role, name in zip(columns, names[1:], strict=True)]
    assert not CliRunner().invoke(app, ["clean", recipe, f"data.files.train={file}", *again, *off, "output_dir=again"]).exception
    before, after = (read_json(next((cwd / place / recipe).iterdir()) / "data" / "quality.json")["classes"] for place in ("runs", "again"))
    assert {label: counts["after"] for label, counts in before["train"].items()} == {
        label: sum(of_split[label]["before"] for of_split in after.values()) for label in before["train"]}


def test_cleaned_rows_overwrite_nothing(cwd: Path) -> None:
    (cwd / "cleaned").mkdir()
    with pytest.raises(DataError, match="--to cleaned: is there already and nothing is overwritten"):
        clean("--to", "cleaned")
    with pytest.raises(DataError, match="--to no/cleaned: cannot be made"):
        clean("--to", "no/cleaned")
    assert not (cwd / "runs").exists()


def test_pictures_are_not_written(cwd: Path) -> None:
    result = CliRunner().invoke(app, ["clean", "images", "data.source=sample", "--to", "cleaned"])
    assert isinstance(result.exception, SpecError)
    assert str(result.exception).startswith("--to: writes texts, and these rows are pictures")


@pytest.mark.parametrize(("text", "start", "shown"), [
    ("short", 0, '"short"'),
    ("tab\tand\u00a0blank", 0, r'"tab\tand\xa0blank"'),
    ("a much longer text than there is room", 0, '"a much longer t"...'),
    ("a much longer text than there is room", 22, '..."n there is room"'),
])
def test_texts_are_cut_and_spelt_out(text: str, start: int, shown: str) -> None:
    assert quoted(text, start=start, width=20) == shown
    assert len(quoted(text, start=start, width=20)) <= 23
