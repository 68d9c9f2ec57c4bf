"""Ctrl-C, a full disk, an unreachable Hub: nothing is lost, and the message says how to go on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from finetune.backbones import tiny
from finetune.run import pipeline
from tests.conftest import finetune, sample_words

pytestmark = pytest.mark.slow
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A sentiment run of 60 steps on a miniature."""
    backbone = tiny.write("bert", tmp_path_factory.mktemp("backbone"), words=sample_words())
    return ["data.source=sample", f"model.name={backbone}", "train.length=60steps", "train.evaluate_every=20steps",
            "train.precision=fp32", "train.threads=1", "export.quantize=none"]


def interrupted(cwd: Path, arguments: list[str], *, after: str) -> subprocess.Popen[str]:
    """A run that gets SIGINT once its output holds `after`."""
    process = subprocess.Popen([sys.executable, "-u", "-m", "finetune", *arguments], cwd=cwd, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    assert process.stdout
    for line in process.stdout:
        if after in line:
            process.send_signal(signal.SIGINT)
            break
    process.wait(timeout=120)
    return process


def test_ctrl_c_keeps_a_checkpoint_and_the_resumed_run_ends_as_if_nothing_had_happened(settings: list[str], tmp_path: Path) -> None:
    whole = finetune("train", "sentiment", *settings, f"output_dir={tmp_path / 'whole'}", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    stopped = interrupted(tmp_path, ["run", "sentiment", *settings], after="step 24 of 60")
    assert stopped.stderr is not None
    said = stopped.stderr.read()
    assert stopped.returncode == 130
    assert "the checkpoint is complete" in said
    command = re.search(r"finetune run sentiment --resume (\S+)", said)
    assert command is not None
    run = tmp_path / command[1]
    assert len(list((run / "checkpoints").glob("step-*/manifest.json"))) >= 1
    assert not (run.parent / "last").exists()
    resumed = finetune("run", "sentiment", "--resume", str(run), cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert re.search(r"resumed after step \d+ of 60", resumed.stdout)
    undisturbed = next((tmp_path / "whole" / "sentiment").glob("2*"))
    ours, theirs = (load_file(folder / "model" / "model.safetensors") for folder in (run, undisturbed))
    assert all((ours[name] == theirs[name]).all() for name in theirs)
    assert (run.parent / "last").resolve() == run.resolve()
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    assert [event.step for event in events.Scalars("train/loss")] == list(range(1, 61))


def test_ctrl_c_before_training_says_how_to_go_on(settings: list[str], tmp_path: Path) -> None:
    stopped = interrupted(tmp_path, ["run", "sentiment", *settings], after="rows from sample")
    assert stopped.stderr is not None
    assert stopped.returncode == 130
    assert "finetune run sentiment --resume" in stopped.stderr.read()


def prepared(settings: list[str], folder: Path) -> Path:
    """A run whose rows are ready."""
    run = pipeline.start("sentiment", [*settings, f"output_dir={folder}"], command="finetune run sentiment", console=QUIET)
    pipeline.carry_out(run, until="prepare")
    return run.folder.path


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_named_and_the_run_goes_on_once_there_is_space(settings: list[str], tmp_path: Path) -> None:
    run = prepared(settings, tmp_path)
    (run / "log.jsonl").symlink_to("/dev/full")
    full = finetune("run", "sentiment", "--resume", str(run), cwd=tmp_path)
    assert full.returncode == 1
    assert "no space is left on the disk" in full.stderr
    assert f"finetune run sentiment --resume {run}" in full.stderr
    assert "Traceback" not in full.stderr
    (run / "log.jsonl").unlink()
    again = finetune("run", "sentiment", "--resume", str(run), cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads((run / "metrics.json").read_text())["train"]["steps"] == 60


def test_a_changed_recipe_is_not_resumed(settings: list[str], tmp_path: Path) -> None:
    run = prepared(settings, tmp_path)
    kept = json.loads((run / "recipe.json").read_text())
    kept["values"]["train.lr"]["value"] = 0.5
    (run / "recipe.json").write_text(json.dumps(kept))
    done = finetune("run", "sentiment", "--resume", str(run), cwd=tmp_path)
    assert done.returncode == 2
    assert "the recipe has changed since this run was started (train.lr)" in done.stderr
    assert "start a new run" in done.stderr


def test_settings_beside_resume_are_refused(tmp_path: Path) -> None:
    done = finetune("run", "sentiment", "--resume", "train.lr=1e-3", cwd=tmp_path)
    assert done.returncode == 2
    assert "a resumed run keeps its settings" in done.stderr


def test_an_unreachable_hub_is_an_error_that_says_so(tmp_path: Path) -> None:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "finetune", "run", "sentiment", "data.source=hub"], cwd=tmp_path, text=True,
                          capture_output=True, timeout=100, env=os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert done.returncode == 1
    assert "the Hub cannot be reached for stanfordnlp/sst2" in done.stderr
    assert "data.files.train=FILE" in done.stderr
    assert time.perf_counter() - started < 60


def test_an_output_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = finetune("run", "sentiment", "output_dir=file", cwd=tmp_path)
    assert done.returncode == 1
    assert "output_dir: file: no run folder can be made there" in done.stderr


def test_export_of_an_untrained_run_says_what_comes_first(settings: list[str], tmp_path: Path) -> None:
    run = prepared(settings, tmp_path)
    done = finetune("export", str(run), cwd=tmp_path)
    assert done.returncode == 1
    assert "has not been trained and evaluated yet (next stage: train)" in done.stderr


def test_a_run_that_fails_before_its_rows_are_ready_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("review,label\nfine,yes\npoor,no\n")
    done = finetune("run", "sentiment", "data.files.train=rows.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "data.columns.text: rows.csv has no column 'text'. Columns: review, label." in done.stderr
    assert "--resume" not in done.stderr
    assert list((tmp_path / "runs" / "sentiment").iterdir()) == []
