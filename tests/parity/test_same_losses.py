"""However a batch is cut - micro-batches, processes - the losses are the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from finetune.train import loop
from finetune.train.progress import Progress
from tests.parity import setting

ROOT = Path(__file__).parents[2]
KINDS = {"bert": 1e-3, "vit": 3e-4}  # and the rate at which each learns without magnifying rounding
pytestmark = pytest.mark.slow


def losses(folder: Path) -> np.ndarray:
    """The loss of every step, from the log."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return np.array([line["loss"] for line in lines if line["event"] == "step"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One process, 1 x 32."""
    folder = tmp_path_factory.mktemp("whole")
    for kind in KINDS:
        made = setting.training(kind, folder / kind, train=setting.steps(30, lr=KINDS[kind]), num_rows=101, dropout=0.0, augment=False)
        loop.fit(made, Progress())
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two gloo processes, 2 x 16; one launch for all miniatures, since the imports cost more than the work."""
    folder = tmp_path_factory.mktemp("two")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2",
               "-m", "tests.parity.processes", str(folder), json.dumps(KINDS)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
                          capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_accumulation_gives_the_losses_of_one_pass(kind: str, whole: Path, tmp_path: Path) -> None:
    made = setting.training(kind, tmp_path, train=setting.steps(30, micro_batch=8, lr=KINDS[kind]), num_rows=101, dropout=0.0, augment=False)
    loop.fit(made, Progress())
    expected = losses(whole / kind)
    assert len(expected) == 30
    assert expected[-5:].mean() < expected[:5].mean()
    np.testing.assert_allclose(losses(tmp_path), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_give_the_losses_of_one(kind: str, whole: Path, two: Path) -> None:
    result = json.loads((two / kind / "result.json").read_text())
    assert result["processes"] == 2
    np.testing.assert_allclose(losses(two / kind), losses(whole / kind), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_evaluate_every_row_once(kind: str, two: Path) -> None:
    assert json.loads((two / kind / "result.json").read_text())["rows"] == 40
