"""WNUT 2017, emerging entities in social media, through `ner`: `make bench NAME=wnut17 [ARGS=ROWS]`.

Recalled from the literature: the winner of the shared task reached an entity F1 of 0.419, BERT-base class 0.44 to 0.50.
The backbone here is MiniLM, which knows no capitals, on part of the rows. Test is read once.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import runs

ROWS = "1500"  # of 3,394 training rows; all: every one of them, in twice the time
FILES = {"train": "wnut17train.conll", "validation": "emerging.dev.conll", "test": "emerging.test.annotated"}


def main() -> None:
    """One seed on part of the training rows, or on as many as are asked for."""
    folder = runs.data("wnut17")
    with tempfile.TemporaryDirectory() as output:
        files = []
        for split, name in FILES.items():
            file = Path(output) / f"{split}.conll"
            shutil.copyfile(folder / name, file)
            files.append(f"data.files.{split}={file}")
        rows = sys.argv[1] if len(sys.argv) > 1 else ROWS
        settings = [*files, f"data.max_rows={rows}", "train.length=4epochs", "train.batch=16", "train.lr=1e-4",
                    "seed=1"]
        runs.report(f"WNUT 2017, {rows} training rows, through ner", [runs.run("ner", settings, Path(output))])


if __name__ == "__main__":
    main()
