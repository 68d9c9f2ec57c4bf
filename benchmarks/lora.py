"""SST-2 with adapters against all weights, on MiniLM and the same splits: `make bench NAME=lora [ARGS=SEEDS]`.

Asked for: test accuracy within 1.5 points of the full fine-tune, at most 3 % of the weights trained, head included.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import runs

RECIPES = ("sentiment", "sentiment:lora")
# The same rows, splits and backbone, so that the two differ in nothing but what is trained, and its rate.
SETTINGS = ["data.columns.text=sentence", "train.length=3epochs"]


def accuracy(finished: runs.Finished, split: str) -> float:
    """Of the saved model, in the case of adapters the merged one."""
    return float(finished.read("metrics.json")["splits"][split]["accuracy"]["value"])


def line(name: str, finished: runs.Finished) -> str:
    """One run in one line."""
    trained = finished.read("train.json")
    backbone, training = trained["backbone"], trained["train"]
    share = backbone["num_trained"] / backbone["num_weights"]
    merge = "; merging changed its logits by {merge_difference:.1e}" if "merge_difference" in training else ""
    return (f"  {name:15} {backbone['num_trained']:,} of {backbone['num_weights']:,} weights trained ({share:.2%}); "
            f"validation {accuracy(finished, 'validation'):.4f}, test {accuracy(finished, 'test'):.4f}; "
            f"training {training['seconds']:.0f} s{merge.format(**training)}")


def main() -> None:
    """One seed (or as many as are asked for) of each recipe, test read once by each run."""
    folder = runs.data("sst2")
    files = [f"data.files.{split}={folder / split}.csv" for split in ("train", "validation", "test")]
    seeds = range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 1))
    with tempfile.TemporaryDirectory() as output:
        found = {name: [runs.run(name, [*files, *SETTINGS, f"seed={seed}"], Path(output) / str(seed)) for seed in seeds]
                 for name in RECIPES}
        for name, finished in found.items():
            runs.report(f"SST-2 through {name}", finished)
        print("\nAdapters against all weights")
        for seed, pair in enumerate(zip(*found.values(), strict=True), start=1):
            print(f"  seed {seed}")
            for name, finished in zip(RECIPES, pair, strict=True):
                print(line(name, finished))
        for split in ("validation", "test"):
            full, adapted = (statistics.mean(accuracy(run, split) for run in found[name]) for name in RECIPES)
            print(f"  mean {split} accuracy: {full:.4f} with all weights, {adapted:.4f} with adapters, "
                  f"gap {100 * (adapted - full):+.2f} points")


if __name__ == "__main__":
    main()
