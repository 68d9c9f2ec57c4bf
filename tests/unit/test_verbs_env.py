"""What `finetune env` tells of a machine, and what it keeps to itself."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from finetune import machine
from finetune.verbs import env
from tests.conftest import ROOT
from tests.unit import loopback

CODE = "import sys; from finetune.cli import app\napp(['env'], standalone_mode=False)\nprint('torch' in sys.modules, file=sys.stderr)"


def told(cwd: Path, **variables: str) -> tuple[str, str]:
    """Output and last error line of the verb in a process of its own."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, cwd=cwd,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **variables})
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.splitlines()[-1]


def test_the_block_is_fenced_fits_a_terminal_and_names_what_an_issue_needs(tmp_path: Path) -> None:
    text, _ = told(tmp_path)
    lines = text.splitlines()
    assert (lines[0], lines[-1]) == ("```", "```")
    assert max(map(len, lines)) <= 80
    assert [line.split("  ")[0] for line in lines[1:-1] if not line.startswith(" ")] == [
        "finetune", "python", "system", "processor", "accelerators", "disk", "hub", "offline copies", "lock", "environment", "packages"]
    assert f"numpy {metadata.version('numpy')}" in " ".join(text.split())
    assert "HF_HUB_OFFLINE=1" in text


def test_secrets_names_and_paths_stay_behind(tmp_path: Path) -> None:
    home = tmp_path / "home" / "ada.lovelace"
    home.mkdir(parents=True)
    kept = {"HOME": str(home), "USER": "ada.lovelace", "LOGNAME": "ada.lovelace", "HF_TOKEN": "hf_abcdefghijklmnop",
            "HF_HOME": str(home / "hub"), "OMP_NUM_THREADS": "hf_qrstuvwxyzabcdefghijk",
            "HF_ENDPOINT": f"http://ada:correcthorse@127.0.0.1:{loopback.closed()}", "HTTPS_PROXY": "http://ada:batterystaple@proxy"}
    text, _ = told(home, **kept)
    assert "HF_TOKEN is set" in text and "OMP_NUM_THREADS=(not shown)" in text
    for secret in ("lovelace", "hf_a", "hf_q", "horse", "staple", str(tmp_path), str(ROOT), str(Path(sys.prefix))):
        assert secret not in text


def test_torch_is_not_loaded_where_there_is_no_accelerator(tmp_path: Path) -> None:
    if machine.accelerators():
        pytest.skip("this machine has one")
    text, loaded = told(tmp_path)
    assert loaded == "False"
    assert "accelerators    none" in text


def test_accelerators_are_what_the_driver_tells_and_what_torch_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771 MiB, 570.86.10'\necho 'NVIDIA H200, 143771 MiB, 570.86.10'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert machine.accelerators() == ["NVIDIA H200, 143771 MiB, driver 570.86.10"] * 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert env.facts()["accelerators"].endswith("driver 570.86.10; torch sees none")


def test_a_driver_that_fails_means_no_accelerator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed, because it, could not communicate'\nexit 9\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert machine.accelerators() == []


@pytest.mark.parametrize(("lines", "state"), [
    ("numpy=={numpy} \\\n    --hash=sha256:aa\npillow=={pillow}\n", "all 2 packages are as in locks/lock.txt"),
    ("numpy==0.0.1 \\\n    --hash=sha256:aa\nno-such-package==1.0\npillow=={pillow}\n",
     "2 of 3 packages are not as in locks/lock.txt: numpy {numpy} instead of 0.0.1, no-such-package is missing"),
])
def test_the_lock_is_compared_with_what_is_installed(tmp_path: Path, lines: str, state: str) -> None:
    versions = {name: metadata.version(name) for name in ("numpy", "pillow")}
    (tmp_path / "lock.txt").write_text("# made by a test\n" + lines.format(**versions))
    assert env.lock_state(tmp_path / "lock.txt") == state.format(**versions)


def test_an_installed_wheel_has_no_lock(tmp_path: Path) -> None:
    assert env.lock_state(tmp_path / "lock.txt") == "no lock file here, so this is no working copy"


def test_the_lock_of_the_repository_is_read_whole() -> None:
    pinned = [line for line in env.LOCK.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))]
    assert len(pinned) > 100
    assert f" {len(pinned)} packages are" in env.lock_state(env.LOCK)
