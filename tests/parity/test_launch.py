"""`finetune launch`, `accelerate launch` and `torchrun`: two processes, one run folder, one model."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from finetune.backbones import tiny
from tests.conftest import ROOT, finetune, sample_words

pytestmark = pytest.mark.slow
NUM_STEPS = 200
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A sentiment run on a miniature, dropout on, evaluated at the end alone."""
    backbone = tiny.write("bert", tmp_path_factory.mktemp("backbone"), words=sample_words())
    return ["data.source=sample", f"model.name={backbone}", f"train.length={NUM_STEPS}steps", "train.evaluate_every=1000steps",
            "train.precision=fp32", "train.threads=1", "train.lr=1e-3", "export.quantize=none"]


@pytest.fixture(scope="module")
def undisturbed(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run folder and output of `torchrun ... -m finetune train`."""
    cwd = tmp_path_factory.mktemp("undisturbed")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "finetune", "train",
               "sentiment", *settings]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = list((cwd / "runs" / "sentiment").glob("2*"))
    assert len(runs) == 1
    return runs[0], done.stdout


def stopped(cwd: Path, arguments: list[str], *, number: signal.Signals, after: str) -> tuple[int, str]:
    """Exit code and standard error of a `finetune launch` that gets a signal, itself alone, once its output holds `after`."""
    process = subprocess.Popen([sys.executable, "-m", "finetune", "launch", *arguments], cwd=cwd, text=True, env=ENVIRONMENT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    for line in process.stdout:
        if after in line:
            process.send_signal(number)
            break
    process.stdout.read()
    said = process.stderr.read()
    return process.wait(timeout=120), said


def test_two_processes_train_one_model(undisturbed: tuple[Path, str]) -> None:
    run, said = undisturbed
    trained = json.loads((run / "train.json").read_text())["train"]
    assert (trained["processes"], trained["steps"]) == (2, NUM_STEPS)
    assert json.loads((run / "launch.json").read_text()) == {"profile": "cpu", "processes": 2}
    assert said.count("rows from sample") == 1
    assert said.count(f"go on with: finetune run sentiment --resume runs/sentiment/{run.name}") == 1
    assert len([line for line in (run / "log.jsonl").read_text().splitlines() if '"step", ' in line]) == NUM_STEPS


def test_a_run_stopped_twice_is_resumed_bit_by_bit_and_carried_to_its_end(
    settings: list[str], undisturbed: tuple[Path, str], tmp_path: Path
) -> None:
    code, said = stopped(tmp_path, ["sentiment", "--profile", "cpu", "--processes", "2", *settings], number=signal.SIGINT,
                         after=f"step 40 of {NUM_STEPS}")
    assert code == 130
    assert said.count("the checkpoint is complete") == 1
    command = re.search(r"Go on with: finetune launch (sentiment --profile cpu --processes 2 --resume (\S+))", said)
    assert command is not None
    run = tmp_path / command[2]
    first = {folder.name for folder in (run / "checkpoints").glob("step-*") if (folder / "manifest.json").is_file()}
    assert len(first) == 1
    alone = finetune("run", "sentiment", "--resume", str(run), cwd=tmp_path)
    assert alone.returncode == 1
    assert "was started with 2 process(es) and cannot be resumed exactly with 1. Start as many as then." in alone.stderr
    assert f"finetune launch sentiment --profile cpu --processes 2 --resume {run}" in alone.stderr
    code, said = stopped(tmp_path, command[1].split(), number=signal.SIGTERM, after=f"step 120 of {NUM_STEPS}")
    assert code == 130
    assert said.count("the checkpoint is complete") == 1
    scraps = tmp_path / "scraps"
    scraps.mkdir()
    done = subprocess.run([sys.executable, "-m", "finetune", "launch", "sentiment", "--resume", str(run)], cwd=tmp_path, text=True,
                          capture_output=True, timeout=300, env=ENVIRONMENT | {"TMPDIR": str(scraps)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert [place.name for place in scraps.iterdir() if not place.name.startswith("torchinductor_")] == []  # one for all runs, empty
    assert re.search(rf"resumed after step 1[2-9]\d of {NUM_STEPS}", done.stdout)
    ours, theirs = (load_file(folder / "model" / "model.safetensors") for folder in (run, undisturbed[0]))
    assert ours.keys() == theirs.keys()
    assert [name for name in theirs if (ours[name] != theirs[name]).any()] == []
    assert json.loads((run / "metrics.json").read_text())["train"]["processes"] == 2
    assert (run / "onnx" / "model.onnx").is_file()
    assert (run / "report.html").is_file()
    assert (run.parent / "last").resolve() == run.resolve()


def test_a_launcher_that_starts_one_process_of_two_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "-m", "finetune", "train", "sentiment"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert done.returncode != 0
    assert "several processes were asked for, and the launcher started one" in done.stderr
    assert "finetune launch RECIPE --profile cpu --processes N" in done.stderr
    assert not (tmp_path / "runs").exists()
