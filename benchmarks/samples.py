"""Both recipes on their samples: `make bench NAME=samples [ARGS=SEEDS]`. The figures of the recipes' docstrings."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import runs


def main() -> None:
    """Three seeds (or as many as are asked for) of each recipe."""
    seeds = range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 3))
    with tempfile.TemporaryDirectory() as output:
        for recipe in ("sentiment", "images"):
            found = [runs.run(recipe, ["data.source=sample", f"seed={seed}"], Path(output) / str(seed))
                     for seed in seeds]
            runs.report(f"{recipe} on its sample", found)


if __name__ == "__main__":
    main()
