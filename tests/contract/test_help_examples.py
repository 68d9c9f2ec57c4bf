"""Every example that a `--help` shows, run as it stands.

A verb that is added needs a line in SAYS: a word that only a success prints. An example that needs more than the
folder below (a server, say) also names the fixture that gives it, in NEEDS: variables for the environment.
"""

from __future__ import annotations

import csv
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finetune.backbones import tiny
from finetune.cli import VERBS
from tests.conftest import ROOT, Finished, sample_words
from tests.hub import standin, store

pytestmark = pytest.mark.slow

SAYS = {
    "list": "Positive or negative",
    "show": "3e-05",
    "clean": "what was found",
    "run": "finetune predict runs/sentiment/last",
    "launch": "finetune predict runs/sentiment/last",
    "train": "best validation accuracy",
    "evaluate": "accuracy by label",
    "export": "fp32",
    "predict": "What a lovely evening.",
    "push": "me/my-model/commit/",
    "env": "packages",
}
NEEDS = {"push": "hub"}

# The shipped recipe, small: the working folder's recipes come first.
RECIPE = '''"""Positive or negative: the shipped recipe on a miniature."""

import importlib.util
from dataclasses import replace

from finetune.spec import Recipe, Steps

spec = importlib.util.spec_from_file_location("shipped", {shipped!r})
shipped = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shipped)


def recipe() -> Recipe:
    """A miniature backbone for a few steps."""
    made = shipped.recipe()
    return replace(made, model=replace(made.model, name={backbone!r}, offline=None),
                   train=replace(made.train, length=Steps(4), evaluate_every=Steps(2), precision="fp32", threads=1))
'''


@pytest.fixture(scope="module")
def folder(run_of: Callable[[str], Finished], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a user would type the examples: a file of rows, a recipe, a finished run."""
    folder = tmp_path_factory.mktemp("examples")
    with (ROOT / "finetune/data/samples/reviews/train.csv").open(encoding="utf-8", newline="") as opened:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(opened)][:300]
    with (folder / "reviews.csv").open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([("review", "label"), *rows])
    backbone = tiny.write("bert", folder / "backbone", words=sample_words())
    (folder / "recipes").mkdir()
    recipe = RECIPE.format(shipped=str(ROOT / "recipes/sentiment.py"), backbone=str(backbone))
    (folder / "recipes" / "sentiment.py").write_text(recipe)
    run = run_of("sentiment")[1]
    shutil.copytree(run, folder / "runs" / "sentiment" / run.name)
    (folder / "runs" / "sentiment" / "last").symlink_to(run.name)
    return folder


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Hub on loopback to which the user is logged in."""
    with standin.serving() as server:
        home = tmp_path_factory.mktemp("hub")
        yield {"HF_ENDPOINT": server.address, "HF_HOME": str(home), "HF_TOKEN": store.TOKEN, "HF_HUB_OFFLINE": "0"}


def test_every_verb_has_an_example_that_is_run() -> None:
    assert sorted(SAYS) == sorted(VERBS)
    assert len({module.EXAMPLE for module in VERBS.values()}) == len(VERBS)


@pytest.mark.parametrize("verb", SAYS)
def test_the_example_works_as_it_stands(verb: str, folder: Path, request: pytest.FixtureRequest) -> None:
    variables = request.getfixturevalue(NEEDS[verb]) if verb in NEEDS else {}
    words = shlex.split(VERBS[verb].EXAMPLE)
    assert verb in words
    command = [sys.executable, "-m", *words] if words[0] == "finetune" else words
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, env={
        **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1", "COLUMNS": "80", **variables})
    assert done.returncode == 0, done.stdout + done.stderr
    assert SAYS[verb] in done.stdout
    assert "Traceback" not in done.stderr
