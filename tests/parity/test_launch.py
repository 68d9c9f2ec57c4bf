"""`finetune train` under a launcher: two processes, one run folder, one model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from finetune.backbones import tiny
from tests.conftest import ROOT, finetune, sample_words

pytestmark = pytest.mark.slow


def test_two_processes_train_one_model_and_the_run_goes_on_with_one(tmp_path: Path) -> None:
    backbone = tiny.write("bert", tmp_path / "backbone", words=sample_words())
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "finetune", "train",
               "sentiment", "data.source=sample", f"model.name={backbone}", "train.length=20steps", "export.quantize=none"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300,
                          env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    runs = list((tmp_path / "runs" / "sentiment").glob("2*"))
    assert len(runs) == 1
    trained = json.loads((runs[0] / "train.json").read_text())["train"]
    assert (trained["processes"], trained["steps"]) == (2, 20)
    assert done.stdout.count("rows from sample") == 1
    assert len([line for line in (runs[0] / "log.jsonl").read_text().splitlines() if '"step", ' in line]) == 20
    rest = finetune("run", "sentiment", "--resume", str(runs[0]), cwd=tmp_path)
    assert rest.returncode == 0, rest.stderr
    assert json.loads((runs[0] / "metrics.json").read_text())["train"]["processes"] == 2


def test_an_error_on_the_main_process_ends_all_of_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "finetune", "train",
               "sentiment", "data.files.train=missing.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120,
                          env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    assert done.returncode != 0
    assert "missing.csv" in done.stderr
