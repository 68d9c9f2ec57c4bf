"""Training with and without the rows whose labels are doubted: `make bench NAME=label_training [ARGS="trec cifar 3"]`.

trec: one label in ten replaced by another, and the rule as it ships with `clean.label_errors=drop`. cifar10n_10k: the
noisiest labels people gave; there the rule says "not judged", since no pretrained weights for pictures are at hand, so
what its kernel doubts is taken out by hand, as somebody would who does not heed that. Scores are those of validation
rows with true labels, which no rule ever touches; test rows are not read.
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import label_truth
import numpy as np

import runs
from finetune import write
from finetune.clean import label_errors
from finetune.clean.probe import confident, linear

HELD_OUT = 0.15
Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """A data set with wrong labels: by name the training rows and settings of each side, and rows to score on."""

    recipe: str
    settings: list[str]
    held_out: Rows
    sides: list[tuple[str, Rows, list[str]]]


def trec() -> Case:
    """Questions through `topics`: labels as given, the rule's findings dropped, true labels."""
    rows = label_truth.read(runs.data("trec") / "train.csv")
    names = sorted({row["coarse"] for row in rows})
    random = np.random.default_rng(3)
    held_out, flipped = random.random(len(rows)) < HELD_OUT, random.random(len(rows)) < label_truth.FLIPPED
    moves = random.integers(1, len(names), len(rows))
    given = [names[(names.index(row["coarse"]) + move) % len(names)] if flip else row["coarse"]
             for row, flip, move in zip(rows, flipped, moves, strict=True)]
    noisy = [(row["question"], label) for row, label, out in zip(rows, given, held_out, strict=True) if not out]
    clean = [(row["question"], row["coarse"]) for row, out in zip(rows, held_out, strict=True) if not out]
    validation = [(row["question"], row["coarse"]) for row, out in zip(rows, held_out, strict=True) if out]
    settings = ["train.length=3epochs", "train.evaluate_every=1epochs"]
    sides: list[tuple[str, Rows, list[str]]] = [
        ("as given", noisy, ["clean.label_errors=off"]),
        ("without what the rule finds", noisy, ["clean.label_errors=drop"]),
        ("true labels", clean, ["clean.label_errors=off"])]
    return Case("topics", settings, validation, sides)


def cifar() -> Case:
    """Pictures through `images`: labels as given, without what the kernel doubts, true labels."""
    (case,) = (case for case in label_truth.cifar() if case.name.endswith("worse"))
    data = runs.data("cifar10n_10k")
    classes = (data / "classes.txt").read_text().split()
    with (data / "labels.csv").open(newline="") as opened:
        files = [row["file"] for row in csv.DictReader(opened) if row["split"] == "train"]
    held_out = np.random.default_rng(3).random(len(files)) < HELD_OUT
    ours = (~held_out).nonzero()[0]
    probabilities = linear.out_of_sample(case.features[ours], case.given[ours], np.arange(len(ours)),
                                         num_labels=len(classes), seed=label_errors.SEED)
    issues = confident.issues(case.given[ours], probabilities, confident.joint(case.given[ours], probabilities))
    given = [(files[row], classes[case.given[row]]) for row in ours]
    true = [(files[row], classes[case.true[row]]) for row in ours]
    validation = [(files[row], classes[case.true[row]]) for row in held_out.nonzero()[0]]
    settings = [f"data.images={data / 'images.zip'}", "model.name=resnet10t", "model.random=true",
                "task.image_size=32", "task.augmentations=shift,flip", "train.length=8epochs", "train.precision=fp32",
                "clean.label_errors=off"]
    kept = [row for row, doubted in zip(given, issues, strict=True) if not doubted]
    sides: list[tuple[str, Rows, list[str]]] = [("as given", given, []), ("without what the kernel doubts", kept, []),
                                                ("true labels", true, [])]
    return Case("images", settings, validation, sides)


def trained(recipe: str, settings: Sequence[str], folder: Path) -> tuple[float, int]:
    """Accuracy of the evaluation that training keeps, and how many rows the rule took out."""
    command = [sys.executable, "-m", "finetune", "train", recipe, *settings, f"output_dir={folder}",
               "clean.strangers=off", "train.threads=1"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    (run,) = (folder / recipe).glob("2*")  # `last` names finished runs
    best = [line for line in write.read_lines(run / "log.jsonl") if line["event"] == "eval" and line["best"]][-1]
    rule = write.read_json(run / "data" / "quality.json")["rules"].get("label_errors", {})
    return best["scores"]["accuracy"], rule.get("splits", {}).get("train", {}).get("dropped", 0)


def side(case: Case, rows: Rows, settings: Sequence[str], *, seed: int) -> tuple[float, int]:
    """What training on these rows comes to, by the rows held out."""
    names = ("image" if case.recipe == "images" else "text", "label")
    with tempfile.TemporaryDirectory() as output:
        folder = Path(output)
        for split, wanted in (("train", rows), ("validation", case.held_out)):
            with (folder / f"{split}.csv").open("w", newline="", encoding="utf-8") as opened:
                csv.writer(opened).writerows((names, *wanted))
        files = [f"data.files.{split}={folder / split}.csv" for split in ("train", "validation")]
        return trained(case.recipe, [*files, "data.split.test=0.01", *case.settings, *settings, f"seed={seed}"],
                       folder / "runs")


SETS: dict[str, Callable[[], Case]] = {"trec": trec, "cifar": cifar}


def main() -> None:
    """The sets asked for, or both, and as many seeds, or one."""
    seeds = range(1, 1 + next((int(word) for word in sys.argv[1:] if word.isdigit()), 1))
    for name in [word for word in sys.argv[1:] if word in SETS] or SETS:
        case = SETS[name]()
        print(f"{name} through {case.recipe}, accuracy on {len(case.held_out):,} validation rows with true labels",
              flush=True)
        for what, rows, settings in case.sides:
            scores, dropped = zip(*(side(case, rows, settings, seed=seed) for seed in seeds), strict=True)
            print(f"  {what:32} {len(rows):,} rows, {dropped[0]:,} taken out by the rule: "
                  f"{statistics.mean(scores):.4f} ({', '.join(f'{score:.4f}' for score in scores)})", flush=True)


if __name__ == "__main__":
    main()
