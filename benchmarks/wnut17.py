"""WNUT 2017, emerging entities in social media, through `ner`: `make bench NAME=wnut17 [ARGS=SEEDS]`.

Recalled from the literature: the winner of the shared task reached an entity F1 of 0.419, BERT-base class 0.44 to 0.50.
The backbone here is MiniLM, which knows no capitals. Test is read once by each seed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import runs

FILES = {"train": "wnut17train.conll", "validation": "emerging.dev.conll", "test": "emerging.test.annotated"}


def main() -> None:
    """One seed, or as many as are asked for."""
    folder = runs.data("wnut17")
    with tempfile.TemporaryDirectory() as output:
        files = []
        for split, name in FILES.items():
            file = Path(output) / f"{split}.conll"
            shutil.copyfile(folder / name, file)
            files.append(f"data.files.{split}={file}")
        seeds = range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 1))
        found = [runs.run("ner", [*files, f"seed={seed}"], Path(output) / str(seed)) for seed in seeds]
        runs.report("WNUT 2017 through ner", found)


if __name__ == "__main__":
    main()
