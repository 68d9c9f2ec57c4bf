"""A save that the disk cuts short leaves the checkpoint before it as it was, and nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finetune.train import checkpoint
from finetune.write import digest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow  # torch is imported once more

# Saves step 1 freely, then step 2 under a limit on the size of a file: the operating system refuses to write beyond it.
PROGRAM = """
import json, resource, sys
from pathlib import Path
import torch
from finetune.train import checkpoint
from finetune.train.progress import Progress

folder, limits = Path(sys.argv[1]), json.loads(sys.argv[2])
model = torch.nn.Linear(3, 2)
adam = torch.optim.AdamW(model.parameters())
model(torch.ones(1, 3)).sum().backward()
adam.step()
random = {"random-00000": {"cpu": torch.zeros(150)}}
found = []
for limit in limits:
    checkpoint.save(folder / str(limit), model, adam, progress=Progress(step=1), random=random)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        checkpoint.save(folder / str(limit), model, adam, progress=Progress(step=2), random=random)
        found.append({"limit": limit, "error": None})
    except Exception as error:
        found.append({"limit": limit, "error": type(error).__name__, "is_os_error": isinstance(error, OSError),
                      "errno": getattr(error, "errno", None), "file": Path(getattr(error, "filename", None) or "").name})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("limited")
    limits = [0, 100, 300, 450, 600, 700, 900, 1_000_000]
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(folder), json.dumps(limits)], cwd=ROOT, text=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, json.loads(done.stdout)


def test_some_saves_are_cut_short_and_the_last_is_not(outcomes: tuple[Path, list[dict[str, Any]]]) -> None:
    _, found = outcomes
    assert [entry["error"] is None for entry in found[:3]] == [False, False, False]
    assert found[-1] == {"limit": 1_000_000, "error": None}


def test_error_is_that_of_the_operating_system_and_names_the_file(outcomes: tuple[Path, list[dict[str, Any]]]) -> None:
    import errno

    failed = [entry for entry in outcomes[1] if entry["error"]]
    assert {(entry["is_os_error"], entry["errno"]) for entry in failed} == {(True, errno.EFBIG)}
    assert {entry["file"] for entry in failed if entry["file"].endswith(".safetensors")} >= {"model.safetensors", "optimizer.safetensors"}


def test_checkpoint_before_it_is_intact_and_nothing_else_is_left(outcomes: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, found = outcomes
    for entry in found:
        place = folder / str(entry["limit"])
        expected = ["step-00000001"] if entry["error"] else ["step-00000001", "step-00000002"]
        assert sorted(entry.name for entry in place.iterdir()) == expected
        assert checkpoint.newest(place, pytest.fail) == place / expected[-1]
        manifest = json.loads((place / "step-00000001" / "manifest.json").read_text())
        assert {file.name: digest(file) for file in (place / "step-00000001").iterdir() if file.name != "manifest.json"} == manifest["files"]
