"""Profiles, the line that is started, and what is refused before anything is."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from finetune.cli import app
from finetune.errors import Interrupted, SpecError
from finetune.run import pipeline, processes
from finetune.run.processes import Launch

QUIET = Console(quiet=True)
NAMES = sorted(file.stem for file in processes.PROFILES.iterdir())


def said(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["launch", *arguments], env={"COLUMNS": "160", "TERM": "dumb"})
    if isinstance(result.exception, SpecError):
        assert result.exception.exit_code == code
        return str(result.exception)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def started(tmp_path: Path) -> Any:
    """A run that was started with three processes."""
    run = pipeline.start("sentiment", ["data.source=sample", f"output_dir={tmp_path}"], command="", console=QUIET)
    processes.note(run, "cpu", 3)
    return run


def test_profiles_are_the_files_of_the_folder() -> None:
    assert processes.profiles() == NAMES == ["cpu", "ddp", "fsdp", "zero3"]


def test_help_names_every_profile() -> None:
    text = said("--help")
    assert [name for name in NAMES if name not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_accelerate_reads_every_profile(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    read = load_config_from_file(str(Launch(name, 2, "").file))
    assert read.distributed_type.value == yaml.safe_load(Launch(name, 2, "").file.read_text())["distributed_type"]
    assert read.mixed_precision == "no"  # train.precision decides


@pytest.mark.parametrize("name", NAMES)
def test_dry_run_prints_the_line_and_the_source_of_every_value(name: str) -> None:
    launch = Launch(name, 3, "--processes")
    text = said("sentiment", "--profile", name, "--processes", "3", "--dry-run", "train.batch=48")
    line, _, table = text.partition("\n")
    words = shlex.split(line)
    assert words[len(launch.environment()):] == launch.line("sentiment", "runs/sentiment/RUN")
    assert ("ACCELERATE_USE_CPU=true" in words) == (name == "cpu")
    rows = {row.split()[0]: row.split() for row in table.splitlines() if row.strip()}
    assert rows["num_processes"][1:] == ["3", "--processes"]
    assert rows["train.batch"][1:] == ["48", "command", "line"]
    assert rows["train.precision"][1:] == ["auto", "default"]
    for key, value in launch.settings().items():
        assert rows[key][1:] == [str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else str(value).lower(),
                                 "profile", f"{name}.yaml"]


def test_dry_run_of_a_resumed_run_names_its_folder_and_its_processes(started: Any) -> None:
    text = said("sentiment", "--dry-run", "--resume", str(started.folder.path))
    assert shlex.split(text.partition("\n")[0])[-1] == str(started.folder.path)
    assert "num_processes" in text
    assert "launch.json of the run" in text


def test_two_processes_are_usual_on_the_cpu() -> None:
    assert processes.plan("cpu", None).processes == 2


@pytest.mark.parametrize(("arguments", "message"), [
    (["--profile", "fsd"], "--profile: 'fsd' is unknown, allowed are cpu, ddp, fsdp, zero3. Did you mean 'fsdp'?"),
    (["--processes", "0"], "--processes: 0 found, at least 1 is needed. Use for example 2."),
    (["--profile", "zero3", "--processes", "2"], "--profile zero3: "),
    (["train.lrr=1"], "train.lr"),
])
def test_wrong_words_are_answered_before_anything_is_started(arguments: list[str], message: str) -> None:
    assert message in said("sentiment", *arguments, code=2)


def test_zero3_names_the_missing_package_and_the_way_out() -> None:
    message = said("sentiment", "--profile", "zero3", "--processes", "2", code=2)
    assert "the package deepspeed is needed and not installed. Use --profile fsdp" in message


@pytest.mark.parametrize("arguments", [[], ["--processes", "2"], ["--profile", "fsdp"]])
def test_too_few_accelerators_are_an_error_that_names_the_cpu_profile(arguments: list[str]) -> None:
    import torch

    seen = torch.accelerator.device_count()
    if seen:
        pytest.skip("this machine has accelerators")
    message = said("sentiment", *arguments, code=2)
    assert "accelerator(s) are needed and 0 seen. Use --profile cpu" in message


def test_another_number_of_processes_is_refused_when_a_run_is_resumed(started: Any) -> None:
    message = said("sentiment", "--processes", "2", "--resume", str(started.folder.path), code=2)
    assert f"--processes: 2 found, but {started.folder.path} was started with 3 and cannot be resumed exactly" in message


def test_the_way_on_names_the_processes_a_run_was_started_with(started: Any) -> None:
    assert started.again() == f"finetune launch sentiment --profile cpu --processes 3 --resume {started.folder.path}"


def test_run_under_a_launcher_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = CliRunner().invoke(app, ["run", "sentiment"])
    assert "each would make a run of its own. Use finetune launch sentiment --processes 2." in str(result.exception)


def test_a_stop_is_handed_on_to_what_was_started_and_comes_back_as_such(started: Any, tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text("import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
                                       f"open({str(tmp_path / 'ready')!r}, 'w').close()\ntime.sleep(60)\n")
    code = ("import sys; from finetune.run.processes import _outcome; import os; "
            f"print(_outcome([sys.executable, {str(tmp_path / 'child.py')!r}], os.environ))")
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    while not (tmp_path / "ready").exists():
        assert parent.poll() is None
    parent.terminate()
    assert parent.communicate(timeout=30)[0].strip() == "(7, True)"
    assert Interrupted.exit_code == 130


@pytest.mark.slow
def test_accelerate_starts_one_process_for_multi_cpu(tmp_path: Path) -> None:
    """Why cpu.yaml says MULTI_GPU; accelerate 1.15. It fails once two are started, and the profile can say what it means."""
    content = yaml.safe_load(Launch("cpu", 2, "").file.read_text()) | {"distributed_type": "MULTI_CPU"}
    (tmp_path / "multi.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "program.py").write_text("import os; print('started', os.environ.get('WORLD_SIZE'))")
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(tmp_path / "multi.yaml"), "--num_processes", "2",
               str(tmp_path / "program.py")]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n")[:2] == ["started None", ""]
