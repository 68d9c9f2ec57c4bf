"""Every recipe gives the same losses on one process, on two, and when it goes on from a checkpoint; and what it can do
stands in docs/support.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from finetune import recipe as recipes
from finetune import tasks
from finetune.backbones import tiny
from tests.conftest import MINIATURES, ROOT, folder_name, recipe_names, sample_words
from tests.contract.launched import NUM_STEPS

pytestmark = pytest.mark.slow
PLAIN = [name for name in recipe_names() if ":" not in name]
Finished = tuple[str, Path, str]
PAGE = ROOT / "docs" / "support.md"


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of every recipe, on one process and on two: one launch each."""
    out = tmp_path_factory.mktemp("launched")
    given = []
    for name in PLAIN:
        place = out / folder_name(name)
        place.mkdir()
        # Each process draws its own dropout, and batch norm has statistics of its own part of a batch.
        kind = "vit" if MINIATURES[name] == "resnet" else MINIATURES[name]
        given.append(f"{name}={tiny.write(kind, place / 'backbone', words=sample_words(), dropout=0.0)}")
    for processes in (1, 2):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}",
                   "-m", "tests.contract.launched", str(out), *given]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr[-3000:]
    return out


def losses(run: Path) -> dict[int, float]:
    """The loss by step."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if line["event"] == "step"}


def test_every_task_has_a_recipe() -> None:
    used = {type(recipes.load(name).task).__module__.rpartition(".")[2] for name in PLAIN}
    assert used == {file.stem for file in Path(tasks.__file__).parent.glob("[a-z]*.py")}


@pytest.mark.parametrize("name", PLAIN)
def test_two_processes_give_the_losses_of_one(name: str, launched: Path) -> None:
    one, two = (losses(launched / folder_name(name) / number) for number in ("1", "2"))
    assert list(one) == list(two) == list(range(1, NUM_STEPS + 1))
    np.testing.assert_allclose(list(two.values()), list(one.values()), rtol=1e-4)
    summary = json.loads((launched / folder_name(name) / "2" / "train.json").read_text())
    assert summary["train"]["processes"] == 2


@pytest.mark.parametrize("name", PLAIN)
def test_resumed_run_goes_on_as_if_it_had_never_stopped(name: str, launched: Path) -> None:
    whole, rest = (losses(launched / folder_name(name) / kind) for kind in ("1", "resumed"))
    assert list(rest) == list(range(NUM_STEPS // 2 + 1, NUM_STEPS + 1))
    assert rest == {step: whole[step] for step in rest}


def test_the_page_on_support_says_what_was_found(run_of: Callable[[str], Finished], launched: Path) -> None:
    lines = [
        "# What every recipe can do",
        "",
        "Made by the contract tests (`tests/contract/test_everywhere.py`) from what they find with miniature backbones; `-` means that the recipe has",
        "no such variant. int8 is yes where the gate does not withhold it; on so few rows it often cannot tell. Figures with real weights stand in",
        "[results.md](results.md).",
        "",
        "| recipe | task | train | two processes | adapters (LoRA) | resume | ONNX | int8 | predict |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(line(name, run_of, launched) for name in PLAIN),
    ]
    text = "\n".join(lines) + "\n"
    if os.environ.get("GOLDEN") == "write":
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def line(name: str, run_of: Callable[[str], Finished], launched: Path) -> str:
    """A recipe's line of the table, from its runs."""
    from finetune.predict import Predictor

    run = run_of(name)[1]
    whole, two, rest = (losses(launched / folder_name(name) / kind) for kind in ("1", "2", "resumed"))
    verdicts = {entry["name"]: entry["verdict"] for entry in json.loads((run / "onnx/report.json").read_text())["artifacts"]}
    task = type(recipes.load(name).task).__module__.rpartition(".")[2].replace("_", " ")
    lora = f"{name}:lora"
    found = [
        verdict((run / "model" / "finetune.json").is_file()),
        verdict(np.allclose(list(whole.values()), list(two.values()), rtol=1e-4)),
        verdict((run_of(lora)[1] / "metrics.json").is_file()) if lora in MINIATURES else "-",
        verdict(all(whole[step] == loss for step, loss in rest.items())),
        verdict(verdicts["fp32"] == "pass"),
        verdict(verdicts["int8"] in ("pass", "unresolved", "slower")) if "int8" in verdicts else "-",
        verdict(bool(Predictor.open(run).roles)),
    ]
    return f"| `{name}` | {task} | {' | '.join(found)} |"


def verdict(holds: object) -> str:
    """A cell of the table."""
    return "yes" if holds else "no"
