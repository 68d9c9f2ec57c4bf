"""Two library lines, one product: what is trained on one is loaded, asked and exported on the other, both ways."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from finetune.backbones import tiny
from finetune.export import line, native
from tests.conftest import MINIATURES, ROOT, sample_words

HERE, THERE = (".venv-next", ".venv") if line.installed() is native else (".venv", ".venv-next")
OTHER = ROOT / THERE / "bin" / "python"
TASKS = ("sentiment", "images")
needs_other = pytest.mark.skipif(not OTHER.is_file(), reason=f"there is no {THERE}: make setup ENV=default, or next")
pytestmark = [pytest.mark.slow, pytest.mark.lines]


def asked(python: Path, *arguments: str, cwd: Path) -> str:
    """What `finetune` prints on a line."""
    done = subprocess.run([str(python), "-m", "finetune", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def trained(python: Path, task: str, cwd: Path) -> Path:
    """A short run of a recipe on a line, exported there."""
    backbone = tiny.write(MINIATURES[task], cwd / "backbone", words=sample_words())
    asked(python, "run", task, "data.source=sample", f"model.name={backbone}", "model.family=hf", "train.length=10steps",
          "train.precision=fp32", "train.threads=1", "train.lr=1e-3", "train.batch=32", "clean.label_errors=off",
          "clean.strangers=off", cwd=cwd)
    return (cwd / "runs" / task / "last").resolve()


def inputs(task: str, cwd: Path) -> list[str]:
    """Texts, or pictures that are drawn."""
    if task == "sentiment":
        return ["What a lovely evening.", "A waste of time; nobody laughed.", "the of"]
    from PIL import Image

    places = [cwd / f"{colour}.png" for colour in ("red", "white", "black")]
    for place in places:
        Image.new("RGB", (40, 32), place.stem).save(place)
    return [str(place) for place in places]


def shares(python: Path, run: Path, task: str, cwd: Path) -> list[list[float]]:
    """The probabilities of all labels for every input."""
    printed = asked(python, "predict", str(run), *inputs(task, cwd), "--json", cwd=cwd)
    return [list(json.loads(answer)["probabilities"].values()) for answer in printed.splitlines()]


def fp32(run: Path) -> dict[str, float | str]:
    report = json.loads((run / "onnx/report.json").read_text())
    return next(artifact for artifact in report["artifacts"] if artifact["name"] == "fp32")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each recipe on this line."""
    return {task: trained(Path(sys.executable), task, tmp_path_factory.mktemp(task)) for task in TASKS}


@pytest.mark.parametrize("task", TASKS)
def test_line_trains_exports_and_predicts(task: str, here: dict[str, Path], tmp_path: Path) -> None:
    artifact = fp32(here[task])
    assert (artifact["verdict"], artifact["agreement"]) == ("pass", 1.0)
    report = json.loads((here[task] / "onnx/report.json").read_text())
    assert {artifact["name"] for artifact in report["artifacts"]} >= {"pytorch", "fp32", "int8"}
    assert [sum(answer) for answer in shares(Path(sys.executable), here[task], task, tmp_path)] == pytest.approx([1.0] * 3)


@needs_other
@pytest.mark.parametrize("task", TASKS)
def test_what_is_trained_here_is_asked_and_exported_on_the_other_line(task: str, here: dict[str, Path], tmp_path: Path) -> None:
    run = shutil.copytree(here[task], tmp_path / "run")
    moved(run, task, maker=Path(sys.executable), asker=OTHER, cwd=tmp_path)


@needs_other
@pytest.mark.parametrize("task", TASKS)
def test_what_is_trained_on_the_other_line_is_asked_and_exported_here(task: str, tmp_path: Path) -> None:
    moved(trained(OTHER, task, tmp_path), task, maker=OTHER, asker=Path(sys.executable), cwd=tmp_path)


def moved(run: Path, task: str, *, maker: Path, asker: Path, cwd: Path) -> None:
    """Both lines answer alike from one export, and from the one that the asker makes of the saved model."""
    expected = shares(maker, run, task, cwd)
    for found, wanted in zip(shares(asker, run, task, cwd), expected, strict=True):
        assert found == pytest.approx(wanted, abs=1e-5)
    before = (run / "onnx/model.onnx").read_bytes()
    asked(asker, "export", str(run), "--quantize", "none", cwd=cwd)
    assert (run / "onnx/model.onnx").read_bytes() != before  # by the other exporter
    assert fp32(run)["verdict"] == "pass"
    asked(maker, "export", str(run), "--quantize", "none", cwd=cwd)
    assert (run / "onnx/model.onnx").read_bytes() == before  # the same saved model, and the same file again
