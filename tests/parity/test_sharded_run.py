"""A run whose training was sharded leaves the same model as one that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from safetensors.numpy import load_file

from finetune.backbones import tiny
from finetune.run import pipeline, processes
from tests.conftest import ROOT, sample_words

pytestmark = pytest.mark.slow
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same run twice: trained by one process, and by two that share the weights out; dropout off."""
    folder = tmp_path_factory.mktemp("runs")
    backbone = tiny.write("bert", folder / "backbone", words=sample_words(), dropout=0.0)
    made = {}
    for name in ("one", "sharded"):
        settings = ["data.source=sample", f"model.name={backbone}", "train.length=20steps", "train.precision=fp32", "train.threads=1",
                    "train.evaluate_every=10steps", f"output_dir={folder / name}"]
        made[name] = pipeline.start("sentiment", settings, command="", console=QUIET)
        processes.note(made[name], "fsdp", 2 if name == "sharded" else 1)
        pipeline.carry_out(made[name], until="train" if name == "one" else "prepare")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "tests.parity.sharded_run",
               str(made["sharded"].folder.path)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return made


def test_the_models_are_the_same(runs: dict[str, Any]) -> None:
    one, sharded = (load_file(runs[name].folder.path / "model" / "model.safetensors") for name in ("one", "sharded"))
    assert sharded.keys() == one.keys()
    for name, weights in one.items():
        np.testing.assert_allclose(sharded[name], weights, atol=1e-5, err_msg=name)
    assert runs["sharded"].folder.read("train.json")["train"]["processes"] == 2


def test_the_model_loads_as_any_other(runs: dict[str, Any]) -> None:
    from transformers import AutoModelForSequenceClassification

    folder = runs["sharded"].folder.path / "model"
    _, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["BertForSequenceClassification"]
