"""Label errors found, true and false, where truth is known: `make bench NAME=label_truth [ARGS="mnist cifar trec"]`.

mnist_10k: 15 labels that reviewers refused. cifar10n_10k: what people said of 8,000 pictures, at three levels of noise.
trec and sst2: one label in ten replaced by another. Texts are seen through MiniLM, as mean of its tokens and by its
first token; pictures, for which there are no pretrained weights here, by patches. The model that is trained with and
without the findings is a linear probe, tested on labels without noise.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import runs
from finetune import recipe
from finetune.clean import label_errors
from finetune.clean.probe import confident, linear, patches

FLIPPED = 0.1
SIDE = (patches.SIDE, patches.SIDE)


@dataclass(frozen=True)
class Case:
    """Rows with labels as given, whether each is wrong, and rows with true labels to test on."""

    name: str
    features: np.ndarray
    given: np.ndarray
    wrong: np.ndarray
    true: np.ndarray
    test: tuple[np.ndarray, np.ndarray] | None = None


def mnist() -> Iterator[Case]:
    """15 refused labels among 10,000; no test."""
    folder = runs.data("mnist_10k")
    pixels = np.frombuffer(gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    pictures = small(Image.fromarray(picture).convert("RGB") for picture in pixels.reshape(-1, 28, 28))
    reviewed = json.loads((folder / "mnist_mturk.json").read_text())
    wrong = np.zeros(len(labels), dtype=bool)
    wrong[[entry["id"] for entry in reviewed if entry["mturk"]["given"] < 3]] = True
    yield Case("mnist_10k", patches.learn(pictures, seed=1).features(pictures), labels.astype(int), wrong,
               labels.astype(int))


def cifar() -> Iterator[Case]:
    """Human labels at three levels of noise, and the clean ones."""
    folder = runs.data("cifar10n_10k")
    with (folder / "labels.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    with zipfile.ZipFile(folder / "images.zip") as archive:
        pictures = small(Image.open(io.BytesIO(archive.read(row["file"]))).convert("RGB") for row in rows)
    train = np.array([row["split"] == "train" for row in rows])
    features = patches.learn(pictures[train], seed=1).features(pictures)
    clean = np.array([int(row["clean_label"]) for row in rows])
    for level in ("aggre", "random1", "worse"):
        given = np.array([int(row[level.replace("random", "random_label") if "random" in level else f"{level}_label"])
                          for row in rows])
        yield Case(f"cifar10n_10k {level}", features[train], given[train], (given != clean)[train], clean[train],
                   (features[~train], clean[~train]))


def small(pictures: Iterator[Image.Image]) -> np.ndarray:
    """All pictures at the size of the patches."""
    return np.stack([np.asarray(picture.resize(SIDE)) for picture in pictures])


def texts(name: str, column: str, label: str) -> Iterator[Case]:
    """One label in ten replaced by another; features by the mean and by the first token."""
    folder = runs.data(name)
    tables = {split: read(folder / f"{split}.csv") for split in ("train", "test")}
    names = sorted({row[label] for row in tables["train"]})
    random = np.random.default_rng(3)
    true, test = (np.array([names.index(row[label]) for row in tables[split]]) for split in ("train", "test"))
    flipped = random.random(len(true)) < FLIPPED
    given = np.where(flipped, (true + random.integers(1, len(names), len(true))) % len(names), true)
    for pooling in ("mean", "first token"):
        seen = {split: embedded([row[column] for row in rows], pooling) for split, rows in tables.items()}
        yield Case(f"{name}, {pooling}", seen["train"], given, flipped, true, (seen["test"], test))


def read(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def embedded(cells: list[str], pooling: str) -> np.ndarray:
    """What MiniLM, frozen, makes of texts."""
    import torch

    from finetune.backbones import features, resolve
    from finetune.evaluate.infer import tensors

    made = recipe.load("sentiment")
    task: Any = replace(made.task, labels=("0", "1"))  # type: ignore[type-var]  # a dataclass
    loaded = resolve.load(made.model, task.head, sample=True)
    order = np.argsort([len(cell) for cell in cells], kind="stable")
    parts = []
    for start in range(0, len(order), 64):
        rows = [{"text": cells[place]} for place in order[start : start + 64]]
        inputs = tensors(task.collate(task.encode(rows, loaded.processor), loaded.processor)).inputs
        if pooling == "mean":
            parts.append(features.pooled(loaded.model, inputs))
        else:
            with torch.inference_mode():
                parts.append(loaded.model.eval().base_model(**inputs).last_hidden_state[:, 0].numpy())
    found: np.ndarray = np.concatenate(parts)[np.argsort(order)]
    return found


def accuracy(case: Case, stays: np.ndarray, labels: np.ndarray) -> float:
    """Of a probe that learns these rows with these labels, on the test rows."""
    assert case.test is not None
    features, targets = case.test
    probe = linear.fit(case.features[stays], labels[stays], num_labels=int(case.true.max()) + 1)
    return float((probe.probabilities(features).argmax(axis=1) == targets).mean())


def report(case: Case) -> None:
    """Found, true and false; whether the rule would say so; the model with the rows, without them, and relabelled."""
    started = time.perf_counter()
    num_labels = int(max(case.given.max(), case.true.max())) + 1
    probabilities = linear.out_of_sample(case.features, case.given, np.arange(len(case.given)), num_labels=num_labels,
                                         seed=label_errors.SEED)
    issues = confident.issues(case.given, probabilities, confident.joint(case.given, probabilities))
    seconds = time.perf_counter() - started
    skill = label_errors.skill(case.given, probabilities)
    found, true = int(issues.sum()), int((issues & case.wrong).sum())
    own = probabilities[np.arange(len(case.given)), case.given]
    worst = np.argsort(own, kind="stable")[: int(case.wrong.sum())]
    print(f"{case.name}: {len(case.given):,} rows, {case.wrong.sum():,} wrong labels ({case.wrong.mean():.1%})")
    print(f"  found {found:,}: {true:,} true, {found - true:,} false; precision {true / max(found, 1):.2f}, recall "
          f"{true / case.wrong.sum():.2f}; of as many most doubted as are wrong {case.wrong[worst].mean():.2f} are")
    print(f"  skill {skill:.2f}: {'reported' if skill >= label_errors.MIN_SKILL else 'not judged'}; {seconds:.1f} s")
    if case.test is not None:
        everyone = np.ones(len(issues), dtype=bool)
        others = probabilities.copy()
        others[everyone.nonzero()[0], case.given] = -1
        relabelled = np.where(issues, others.argmax(axis=1), case.given)
        print(f"  test accuracy: as given {accuracy(case, everyone, case.given):.3f}, without the found "
              f"{accuracy(case, ~issues, case.given):.3f}, relabelled {accuracy(case, everyone, relabelled):.3f}, "
              f"true labels {accuracy(case, everyone, case.true):.3f}", flush=True)


SETS: dict[str, Callable[[], Iterator[Case]]] = {
    "mnist": mnist, "cifar": cifar, "trec": lambda: texts("trec", "question", "coarse"),
    "sst2": lambda: texts("sst2", "sentence", "label"),
}


def main() -> None:
    """The sets asked for, or all."""
    for name in sys.argv[1:] or SETS:
        for case in SETS[name]():
            report(case)


if __name__ == "__main__":
    main()
