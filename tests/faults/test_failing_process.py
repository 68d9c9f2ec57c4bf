"""One process fails: all of them end within ten seconds, with its error, and the message says how to go on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from finetune.backbones import tiny
from finetune.run.processes import Launch
from tests.conftest import ROOT, sample_words

pytestmark = pytest.mark.slow
LIMIT = 10.0  # seconds between an error and the end of the last process

RECIPE = '''"""Sentiment, in which a process fails."""

import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

from finetune import recipe as recipes
from finetune.errors import TrainingError
from finetune.tasks.text_classification import TextClassification

RANK, KIND, PLACE = int(os.environ["RANK"]), os.environ["KIND"], os.environ["PLACE"]
Path(f"pid-{RANK}").write_text(str(os.getpid()))
calls = {"loss": 0, "predict": 0}


def perhaps_fail(place):
    calls[place] += 1
    if PLACE != place or calls[place] != 3:
        return
    if KIND == "deaf" and RANK == 0:
        time.sleep(100)  # as in a collective that waits for the other for ever
    if RANK != int(os.environ["WHO"]):
        return
    Path("failed-at").write_text(str(time.time()))
    if KIND in ("killed", "deaf"):
        os.kill(os.getpid(), signal.SIGKILL)
    if KIND == "bug":
        raise ZeroDivisionError("a bug of the task")
    raise TrainingError(f"task.{place}", f"process {RANK} found nonsense. Mend it.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing(TextClassification):
    def loss(self, output, batch):
        perhaps_fail("loss")
        return TextClassification.loss(self, output, batch)

    def predict(self, output, batch):
        perhaps_fail("predict")
        return TextClassification.predict(self, output, batch)


def recipe():
    return replace(recipes.load("sentiment"), task=Failing())
'''


@dataclass(frozen=True)
class Failed:
    """What a launch left behind."""

    code: int
    stdout: str
    stderr: str
    seconds: float  # from the error to the end of the launcher
    cwd: Path


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write("bert", tmp_path_factory.mktemp("backbone"), words=sample_words())


def launched(cwd: Path, backbone: Path, *, kind: str, place: str = "loss", who: int = 1, more: tuple[str, ...] = ()) -> Failed:
    """`accelerate launch ... -m finetune train` with two processes, of which `who` fails at its third call of `place`."""
    (cwd / "failing.py").write_text(RECIPE)
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(Launch("cpu", 2, "").file),
               "--num_processes", "2", "-m", "finetune", "train", "failing.py", *(more or (
                   "data.source=sample", f"model.name={backbone}", "train.length=60steps", "train.evaluate_every=2steps",
                   "train.precision=fp32", "train.threads=1"))]
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "KIND": kind, "PLACE": place, "WHO": str(who)}
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=120)
    note = cwd / "failed-at"
    return Failed(done.returncode, done.stdout, done.stderr, time.time() - float(note.read_text()) if note.exists() else 0.0, cwd)


def ended(failed: Failed) -> None:
    """Both processes ran, neither does any more, and it did not take long."""
    print(f"{failed.seconds:.1f} s from the failure to the end")
    assert failed.code != 0
    assert 0 < failed.seconds < LIMIT
    for rank in (0, 1):
        with pytest.raises(ProcessLookupError):
            os.kill(int((failed.cwd / f"pid-{rank}").read_text()), 0)


def ways_on(failed: Failed) -> list[str]:
    return re.findall(r"Go on with: finetune launch failing\.py --profile cpu --processes 2 --resume (\S+)", failed.stderr)


def test_an_error_in_a_step_ends_all(backbone: Path, tmp_path: Path) -> None:
    failed = launched(tmp_path, backbone, kind="error", place="loss", who=1)
    ended(failed)
    assert failed.stderr.count("task.loss: process 1 found nonsense. Mend it.") == 1
    assert [(tmp_path / folder).is_dir() for folder in ways_on(failed)] == [True]
    assert "Connection" not in failed.stderr  # what the other process saw of it is not worth telling


def test_a_bug_in_an_evaluation_ends_all_with_its_traceback(backbone: Path, tmp_path: Path) -> None:
    failed = launched(tmp_path, backbone, kind="bug", place="predict", who=0)
    ended(failed)
    assert failed.stderr.count("ZeroDivisionError: a bug of the task") == 1
    assert "Connection" not in failed.stderr


def test_a_killed_main_process_ends_all_and_is_named(backbone: Path, tmp_path: Path) -> None:
    failed = launched(tmp_path, backbone, kind="killed", who=0)
    ended(failed)
    assert failed.stderr.count("train: process 0 was killed or ended without a word, and training ended with it.") == 1
    assert len(ways_on(failed)) == 1


def test_a_process_that_hears_no_signal_ends_when_another_is_killed(backbone: Path, tmp_path: Path) -> None:
    failed = launched(tmp_path, backbone, kind="deaf", who=1)
    ended(failed)
    assert failed.stderr.count("train: process 1 was killed or ended without a word, and training ended with it.") == 1
    assert len(ways_on(failed)) == 1


@pytest.mark.parametrize("file", ["missing.csv", "broken.csv"])
def test_an_error_before_or_while_rows_are_prepared_ends_all(file: str, backbone: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_text('text,label\n"good,positive\n')
    started = time.time()
    failed = launched(tmp_path, backbone, kind="error", more=(f"data.files.train={file}",))
    assert failed.code != 0
    assert failed.stderr.count(file) == 1
    assert time.time() - started < 60
    assert not list(tmp_path.glob("runs/failing/*"))
    for rank in (0, 1):
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / f"pid-{rank}").read_text()), 0)
