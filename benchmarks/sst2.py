"""SST-2, sentence level (6,920 training rows), through `sentiment`: `make bench NAME=sst2 [ARGS=SEEDS]`.

Peer: a plain three-epoch loop on the same backbone reached 0.890 test accuracy; the floor is 0.88.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import runs


def main() -> None:
    """Three seeds (or as many as are asked for), test read once by each."""
    folder = runs.data("sst2")
    files = [f"data.files.{split}={folder / split}.csv" for split in ("train", "validation", "test")]
    seeds = range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 3))
    settings = [*files, "data.columns.text=sentence", "train.length=3epochs"]
    with tempfile.TemporaryDirectory() as output:
        found = [runs.run("sentiment", [*settings, f"seed={seed}"], Path(output) / str(seed)) for seed in seeds]
        runs.report("SST-2 through sentiment", found)


if __name__ == "__main__":
    main()
