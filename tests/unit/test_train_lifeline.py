"""Processes that live and die together: real ones, a few lines each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAM = '''
import json, os, signal, sys, time
from pathlib import Path
from finetune.errors import FinetuneError
from finetune.train import lifeline

process, processes, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])

def publish(value):
    file = folder / "value.json"
    if process == 0:
        (folder / "draft").write_text(json.dumps(value))
        (folder / "draft").rename(file)
    while not file.exists():
        time.sleep(0.01)
    return json.loads(file.read_text())

with lifeline.held(process, processes, publish=publish) as line:
    line.advice = "Go on with: this"
    what = sys.argv[4 + process]
    if what == "fails": raise FinetuneError("here", "it went wrong. Mend it.")
    if what == "breaks": raise ZeroDivisionError("a bug")
    if what == "forks and is killed" and os.fork() == 0:
        os.close(2)
        time.sleep(15)
        os._exit(0)
    if "killed" in what: os.kill(os.getpid(), signal.SIGKILL)
    if what == "consequence":
        time.sleep(0.3)
        raise RuntimeError("Connection closed by peer")
    time.sleep(60 if what == "sleeps" else 0.3)
print("done")
'''


def together(folder: Path, *whats: str) -> tuple[list[int], list[str], float]:
    """Exit codes, standard errors and the seconds until the last has ended."""
    started = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "WORLD_SIZE": str(len(whats)), "LOCAL_WORLD_SIZE": str(len(whats))}
    running = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(i), str(len(whats)), str(folder), *whats], stderr=subprocess.PIPE,
                                text=True, env=environment) for i in range(len(whats))]
    said = [process.communicate(timeout=60)[1] for process in running]
    return [process.returncode for process in running], said, time.perf_counter() - started


@pytest.mark.parametrize("count", [1, 2, 3])
def test_processes_that_end_well_do_not_disturb_each_other(count: int, tmp_path: Path) -> None:
    codes, said, _ = together(tmp_path, *["ends"] * count)
    assert codes == [0] * count
    assert said == [""] * count


@pytest.mark.parametrize("whats", [("fails", "sleeps", "sleeps"), ("sleeps", "fails", "sleeps"), ("sleeps", "sleeps", "breaks")])
def test_an_error_ends_all_and_is_told_once(whats: tuple[str, ...], tmp_path: Path) -> None:
    codes, said, seconds = together(tmp_path, *whats)
    assert all(codes)
    assert seconds < 10
    assert [bool(text) for text in said] == [what != "sleeps" for what in whats]
    assert "Mend it." in "".join(said) or "a bug" in "".join(said)


@pytest.mark.parametrize("whats", [("consequence", "fails"), ("fails", "consequence")])
def test_what_follows_from_an_error_is_not_told(whats: tuple[str, ...], tmp_path: Path) -> None:
    codes, said, _ = together(tmp_path, *whats)
    assert all(codes)
    assert "Connection" not in "".join(said)
    assert "".join(said).count("here: it went wrong. Mend it.") == 1


@pytest.mark.parametrize("whats", [("sleeps", "killed"), ("killed", "sleeps"), ("consequence", "killed"), ("sleeps", "forks and is killed")])
def test_a_killed_process_is_named_by_another(whats: tuple[str, ...], tmp_path: Path) -> None:
    codes, said, seconds = together(tmp_path, *whats)
    assert all(codes)
    assert seconds < 10
    text = "".join(said)
    assert f"train: process {[what.endswith('killed') for what in whats].index(True)} was killed or ended without a word" in text
    assert "Go on with: this" in text
    assert "Connection" not in text
