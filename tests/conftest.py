"""One run of every recipe on its sample with a miniature backbone, shared by all tests that look at one."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finetune import recipe
from finetune.backbones import tiny
from finetune.export import line, native
from tests.warm import Warm

ROOT = Path(__file__).parents[1]
# Recipe -> architecture; every recipe is here, and every one of them is run once.
MINIATURES = {
    "sentiment": "bert", "sentiment:lora": "bert", "images": "resnet", "images:lora": "vit",
    "image_score": "resnet", "image_score:lora": "vit", "similarity": "distilbert", "similarity:lora": "bert",
    "sentiment_zh": "bert", "sentiment_zh:lora": "bert",
    "paraphrase": "bert", "paraphrase:lora": "distilbert", "topics": "modernbert", "topics:lora": "distilbert",
    "toxicity": "roberta", "toxicity:lora": "distilbert", "spam": "distilbert", "spam:lora": "roberta",
    "image_tags": "resnet", "image_tags:lora": "vit",
    "ner": "distilbert", "ner:lora": "bert", "qa": "bert", "qa:lora": "distilbert",
    "summarize": "t5", "summarize:lora": "bart",
}

# A short run of a miniature that is the same every time.
QUICK = ("data.source=sample", "model.family=hf", "train.precision=fp32", "train.threads=1", "train.lr=1e-3", "train.batch=32")
RANKED = ("export.max_score_drop=0.5",)  # a ranking that 20 steps have hardly begun is turned over by int8
# Recipe -> what keeps its miniature's run short besides, or lets it publish every artefact.
SMALLER = {"summarize": ("task.max_summary_tokens=12", "task.num_beams=2"),
           "spam": RANKED, "toxicity": RANKED, "image_tags": RANKED, "similarity": RANKED}


def recipe_names() -> list[str]:
    """Every file in recipes/ and the variants in it."""
    files = sorted((ROOT / "recipes").glob("*.py"))
    return [file.stem + variant for file in files for variant in ("", *(f":{name}" for name in recipe.variants(file)))]


def folder_name(name: str) -> str:
    """What the folder of a recipe's runs is called."""
    return name.replace(":", "-")


def finetune(*arguments: str, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run([sys.executable, "-m", "finetune", *arguments], cwd=cwd, capture_output=True, text=True, timeout=timeout)


def sample_words() -> list[str]:
    """The words of the reviews sample, for a miniature vocabulary."""
    with (ROOT / "finetune/data/samples/reviews/train.csv").open(encoding="utf-8", newline="") as opened:
        texts = [row["text"] for row in csv.DictReader(opened)]
    words = {word.strip(".,!?;:'\"()-").lower() for text in texts for word in text.split()}
    return sorted(word for word in words if word.isascii() and word.isalpha())


Finished = tuple[str, Path, str]


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """The process that carries out the runs."""
    process = Warm()
    yield process
    process.close()


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Callable[[str], Finished]:
    """Recipe to its run of 20 steps, made when it is first asked for: float32, one thread."""
    made: dict[str, Finished] = {}

    def run(name: str) -> Finished:
        if name not in made:
            made[name] = _run(name, tmp_path_factory.mktemp(folder_name(name)), warm)
        return made[name]

    return run


@pytest.fixture(scope="session", params=recipe_names())
def finished(request: pytest.FixtureRequest, run_of: Callable[[str], Finished]) -> Finished:
    """Recipe, run folder and console output of every recipe's run."""
    return run_of(request.param)


def _run(name: str, cwd: Path, warm: Warm) -> Finished:
    if name.startswith("summarize") and line.installed() is native:
        pytest.skip("what writes texts is exported on the default library line alone, see docs/lines.md")
    backbone = tiny.write(MINIATURES[name], cwd / "backbone", words=sample_words())
    done = warm.finetune("run", name, *QUICK, *SMALLER.get(name.partition(":")[0], ()), f"model.name={backbone}",
                         "train.length=20steps", "train.evaluate_every=10steps", cwd=cwd)
    assert done.returncode == 0, done.stdout
    return name, (cwd / "runs" / folder_name(name) / "last").resolve(), done.stdout
