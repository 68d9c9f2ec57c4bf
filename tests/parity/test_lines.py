"""Two library lines, one product: what is trained on one is loaded, asked and exported on the other, both ways."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from finetune.backbones import tiny
from finetune.export import line, native
from tests.conftest import MINIATURES, ROOT, sample_words
from tests.warm import Warm

THERE = ".venv" if line.installed() is native else ".venv-next"
OTHER = ROOT / THERE / "bin" / "python"
TASKS = ("sentiment", "images")
needs_other = pytest.mark.skipif(not OTHER.is_file(), reason=f"there is no {THERE}: make setup ENV={'default' if THERE == '.venv' else 'next'}")
pytestmark = [pytest.mark.slow, pytest.mark.lines]


@pytest.fixture(scope="module")
def other() -> Iterator[Warm]:
    """The other line, ready to carry out commands."""
    process = Warm(str(OTHER))
    yield process
    process.close()


@pytest.fixture(scope="module")
def here(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each recipe on this line."""
    return {task: trained(warm, task, tmp_path_factory.mktemp(task)) for task in TASKS}


def asked(side: Warm, *arguments: str, cwd: Path) -> str:
    """What `finetune` prints on a line."""
    done = side.finetune(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stdout
    return done.stdout


def trained(side: Warm, task: str, cwd: Path) -> Path:
    """A short run of a recipe on a line, exported there."""
    backbone = tiny.write(MINIATURES[task], cwd / "backbone", words=sample_words())
    asked(side, "run", task, "data.source=sample", f"model.name={backbone}", "model.family=hf", "train.length=10steps",
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


def shares(side: Warm, run: Path, task: str, cwd: Path) -> list[list[float]]:
    """The probabilities of all labels for every input."""
    printed = asked(side, "predict", str(run), *inputs(task, cwd), "--json", cwd=cwd)
    return [list(json.loads(answer)["probabilities"].values()) for answer in printed.splitlines()]


def fp32(run: Path) -> dict[str, float | str]:
    report = json.loads((run / "onnx/report.json").read_text())
    return next(artifact for artifact in report["artifacts"] if artifact["name"] == "fp32")


@pytest.mark.parametrize("task", TASKS)
def test_line_trains_exports_and_predicts(task: str, here: dict[str, Path], warm: Warm, tmp_path: Path) -> None:
    artifact = fp32(here[task])
    assert (artifact["verdict"], artifact["agreement"]) == ("pass", 1.0)
    report = json.loads((here[task] / "onnx/report.json").read_text())
    assert {artifact["name"] for artifact in report["artifacts"]} >= {"pytorch", "fp32", "int8"}
    assert [sum(answer) for answer in shares(warm, here[task], task, tmp_path)] == pytest.approx([1.0] * 3)


@needs_other
@pytest.mark.parametrize("task", TASKS)
def test_what_is_trained_here_is_asked_and_exported_on_the_other_line(task: str, here: dict[str, Path], warm: Warm, other: Warm,
                                                                              tmp_path: Path) -> None:
    moved(shutil.copytree(here[task], tmp_path / "run"), task, maker=warm, asker=other, cwd=tmp_path)


@needs_other
@pytest.mark.parametrize("task", TASKS)
def test_what_is_trained_on_the_other_line_is_asked_and_exported_here(task: str, warm: Warm, other: Warm, tmp_path: Path) -> None:
    moved(trained(other, task, tmp_path), task, maker=other, asker=warm, cwd=tmp_path)


def moved(run: Path, task: str, *, maker: Warm, asker: Warm, cwd: Path) -> None:
    """Both lines answer alike from one export, and from the exports that each makes of the saved model."""
    close(shares(asker, run, task, cwd), shares(maker, run, task, cwd), 1e-5)
    before = (run / "onnx/model.onnx").read_bytes()
    asked(asker, "export", str(run), "--quantize", "none", cwd=cwd)
    assert (run / "onnx/model.onnx").read_bytes() != before  # by the other exporter
    assert fp32(run)["verdict"] == "pass"
    theirs = shares(asker, run, task, cwd)
    asked(maker, "export", str(run), "--quantize", "none", cwd=cwd)
    assert (run / "onnx/model.onnx").read_bytes() == before  # the same saved model, and the same file again
    close(theirs, shares(maker, run, task, cwd), 1e-4)


def close(found: list[list[float]], wanted: list[list[float]], tolerance: float) -> None:
    assert [len(answer) for answer in found] == [len(answer) for answer in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours == pytest.approx(theirs, abs=tolerance)
