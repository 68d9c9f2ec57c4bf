"""The help of every verb, and what the light verbs print."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner

import finetune.verbs
from finetune import recipe as recipes
from finetune.cli import VERBS as OFFERED
from finetune.cli import app
from finetune.run.context import Run
from finetune.run.folder import RunFolder
from finetune.verbs.arguments import err, out

VERBS = sorted(get_command(app).commands)
SCREEN = 24  # lines of a small terminal


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80", "TERM": "dumb"})
    assert result.exit_code == 0, result.output
    return result.output


def test_every_file_of_a_verb_is_offered() -> None:
    folder = Path(finetune.verbs.__file__).parent
    files = {file.stem for file in folder.glob("[a-z]*.py")} - {"arguments", "findings"}
    assert {module.__name__.rpartition(".")[2] for module in OFFERED.values()} == files
    assert sorted(OFFERED) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_one_screen_and_ends_with_an_example(verb: str) -> None:
    lines = said(verb, "--help").rstrip().splitlines()
    assert len(lines) <= SCREEN
    example = " ".join(line.strip() for line in lines[-2:])
    command = shlex.split(example.split("Example:", 1)[1])
    assert command[0] in ("finetune", "torchrun")
    assert verb in command


def test_help_of_the_whole_fits_one_screen() -> None:
    assert len(said("--help").splitlines()) <= SCREEN


def test_list_names_every_recipe_with_its_first_sentence() -> None:
    text = said("list")
    assert "sentiment" in text and "Positive or negative" in text
    assert "images" in text and "What a picture shows" in text


def test_list_gives_every_variant_its_own_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").mkdir()
    shipped = (Path(__file__).parents[2] / "recipes" / "sentiment.py").read_text()
    (tmp_path / "recipes" / "tone.py").write_text(shipped + '\n\ndef small() -> Recipe:\n    """A smaller one."""\n    return recipe()\n')
    monkeypatch.chdir(tmp_path)
    lines = [line.split(maxsplit=1) for line in said("list").splitlines()]
    assert ["tone:small", "A smaller one."] in [[part.strip() for part in line] for line in lines]


def test_entries_of_a_description_keep_their_column() -> None:
    text = said("show", "sentiment").partition("\nkey ")[0]
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line and line[0] != " "] == ["Positive", "Expect", "Costs", "Run"]
    assert all(line.startswith(" " * 8) for line in lines if line.startswith(" "))


def test_lines_of_a_stage_are_broken_between_words_on_a_terminal_only() -> None:
    long = "held out of the training rows, stratified: 1,000 rows for validation and 1,000 rows for test of the set"
    shown = {}
    for terminal in (True, False):
        file = io.StringIO()
        console = Console(file=file, force_terminal=terminal, width=80, no_color=True)
        Run("sentiment", recipes.load("sentiment"), RunFolder(Path("runs")), console).say(long)
        shown[terminal] = file.getvalue()
    assert shown[False] == f"  {long}\n"
    first, second = shown[True].splitlines()
    assert len(first) <= 80 and second.startswith("      ")
    assert " ".join(shown[True].split()) == long


def test_show_says_where_each_value_comes_from() -> None:
    lines = {line.split()[0]: line.split() for line in said("show", "sentiment", "train.lr=3e-5").splitlines() if line.strip()}
    assert lines["train.lr"] == ["train.lr", "3e-05", "command", "line"]
    assert lines["train.clip"] == ["train.clip", "1.0", "default"]
    assert lines["model.offline"][-1] == "recipe"
    assert lines["clean.duplicates"] == ["clean.duplicates", "drop", "default"]


def test_version_is_printed() -> None:
    assert said("--version").strip()[0].isdigit()


@pytest.mark.parametrize("arguments", ["run sentiment data.source=sample", "clean sentiment data.source=sample", "launch sentiment --profile cpu",
                                       "train sentiment"])
def test_base_install_says_what_a_command_needs(arguments: str, tmp_path: Path) -> None:
    """Modules that are None in sys.modules count as not installed."""
    heavy = ("torch", "transformers", "optimum", "accelerate", "pyarrow")
    code = f"import sys; sys.modules |= dict.fromkeys({heavy}); sys.argv[1:] = {arguments.split()}; from finetune.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert re.fullmatch(r"(torch|transformers|optimum|accelerate|pyarrow)\S*: is not installed, and this command needs it: .*\n", done.stderr)
    assert list(tmp_path.glob("runs/*/*")) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/sys").is_dir(), reason="this system has no /sys, in which nobody may make a folder")
def test_a_place_that_nobody_may_write_to_is_told_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "finetune", "clean", "sentiment", "data.source=sample", "--to", "/sys/cleaned",
               "clean.label_errors=off", "clean.strangers=off", f"output_dir={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert re.fullmatch(r"/sys/\S+: (Operation not permitted|Permission denied|Read-only file system)\. Use a place .*\n", done.stderr)


def test_row_100_of_a_file_is_no_emoji() -> None:
    for console in (out, err):
        with console.capture() as shown:
            console.print("rows.csv:100: column 'text' has :smile:", markup=False)
        assert shown.get() == "rows.csv:100: column 'text' has :smile:\n"
    calls = [call for file in Path(finetune.verbs.__file__).parents[1].rglob("*.py") for call in re.findall(r"Console\([^)]*\)", file.read_text())]
    assert len(calls) >= 3
    assert [call for call in calls if "emoji=False" not in call] == []
