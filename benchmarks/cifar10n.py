"""CIFAR-10, 8,000 training and 2,000 test pictures, clean labels, through `images`: `make bench NAME=cifar10n`.

A small ResNet from random weights, since no pretrained one can be had without a network.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import runs

SETTINGS = ["model.name=resnet10t", "model.random=true", "task.augmentations=shift,flip", "train.length=8epochs"]


def write_tables(folder: Path, target: Path) -> None:
    """`train.csv` and `test.csv` with the columns `image` and `label`, from the set's own table."""
    classes = (folder / "classes.txt").read_text().split()
    with (folder / "labels.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    for name, split in (("train", "train"), ("test", "eval")):
        with (target / f"{name}.csv").open("w", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(("image", "label"))
            writer.writerows((row["file"], classes[int(row["clean_label"])]) for row in rows if row["split"] == split)


def main() -> None:
    """One seed (or as many as are asked for)."""
    folder = runs.data("cifar10n_10k")
    seeds = range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 1))
    with tempfile.TemporaryDirectory() as output:
        write_tables(folder, Path(output))
        files = [f"data.files.train={output}/train.csv", f"data.files.test={output}/test.csv",
                 f"data.images={folder / 'images.zip'}"]
        found = [runs.run("images", [*files, *SETTINGS, f"seed={seed}"], Path(output) / str(seed)) for seed in seeds]
        runs.report("CIFAR-10 (8,000 clean training pictures) through images", found)


if __name__ == "__main__":
    main()
