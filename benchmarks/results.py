"""Recipes on public data sets, test read once by each seed: `make bench NAME=results ARGS="SET [SEEDS] [SETTINGS]"`.

Peers stand beside each set: the floor or target that was set for it, and the run's own baselines. Every reading of a
test set gets its line in docs/log.md. Backbone: MiniLM, or where a set is pictures a small network from random weights.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import runs


@dataclass(frozen=True)
class Entry:
    """A recipe on a data set: what to read, and what to compare with."""

    recipe: str
    settings: str  # DATA stands for the folder of the set
    peer: str


SETS = {
    "sst2": Entry("sentiment", "data.files.train=DATA/*.csv data.columns.text=sentence train.length=3epochs",
                  "floor 0.88; a plain three-epoch loop on the same backbone reached 0.890"),
    "trec": Entry("topics", "data.files.train=DATA/*.csv data.columns.text=question data.columns.label=coarse "
                  "train.length=6epochs",
                  "floor 0.94"),
    "ag_news_7600": Entry("topics", "data.files.train=DATA/test.csv data.columns.label=0 data.columns.text=2 "
                          "data.split.test=0.3 train.length=3epochs", "above the run's TF-IDF baseline"),
    "waimai_10k": Entry("sentiment_zh", "data.files.train=DATA/waimai_10k.csv data.columns.text=review "
                        "train.length=3epochs",
                        "none: MiniLM's vocabulary is weak in Chinese"),
    "stsb": Entry("similarity", "data.files.train=DATA/stsb-en-train.csv data.files.validation=DATA/stsb-en-dev.csv "
                  "data.files.test=DATA/stsb-en-test.csv data.columns.text_a=0 data.columns.text_b=1 "
                  "data.columns.label=2 train.length=4epochs", "Pearson 0.82"),
    "mrpc": Entry("paraphrase", "data.files.train=DATA/msr-para-train.tsv data.files.validation=DATA/msr-para-val.tsv "
                  "data.files.test=DATA/msr-para-test.tsv data.quotes=literal data.columns.label=Quality "
                  "train.length=5epochs",
                  "above majority and TF-IDF"),
    "mnist_10k": Entry("images", "data.files.train=DATA/t10k-images-idx3-ubyte.gz model.random=true "
                       "model.name=resnet10t model.family=timm task.image_size=28 train.length=5epochs",
                       "0.98 in under 5 minutes"),
}
COLUMNS = {"mrpc": ("data.columns.text_a=#1 String", "data.columns.text_b=#2 String")}  # names with a space


def main() -> None:
    """One set, three seeds or as many as are asked for."""
    if len(sys.argv) < 2 or sys.argv[1] not in SETS:
        sys.exit(f"ARGS=\"SET [SEEDS] [SETTINGS]\": sets are {', '.join(SETS)}")
    name, seeds = sys.argv[1], range(1, 1 + int(sys.argv[2] if len(sys.argv) > 2 else 3))
    entry, folder = SETS[name], runs.data(name)
    settings = [*entry.settings.replace("DATA", str(folder)).split(), *COLUMNS.get(name, ()), *sys.argv[3:]]
    with tempfile.TemporaryDirectory() as output:
        found = [runs.run(entry.recipe, [*settings, f"seed={seed}"], Path(output) / str(seed)) for seed in seeds]
        runs.report(f"{name} through {entry.recipe}; peer: {entry.peer}", found)


if __name__ == "__main__":
    main()
