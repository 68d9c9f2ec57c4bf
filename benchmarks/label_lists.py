"""How evenly rows with several labels are held out: ours, iterative stratification as published, and a plain draw.

The label lists are generated: thirty labels with a long tail, up to four a row, two of them always with a neighbour.
Told are the mean distance of a label's share of test from the share asked, over labels of at least ten rows, the
largest of these distances, and how many old rows change sides when a fifth more rows are added.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Callable, Sequence

import pyarrow as pa

from finetune.data.split import hold_out

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
SEEDS = range(5)
Lists = Sequence[Sequence[str]]
Split = Callable[[Sequence[str], Lists, int], dict[str, str]]  # keys, labels, seed -> side of each key


def generated(num_rows: int, seed: int) -> list[list[str]]:
    """The label list of each row."""
    chance = random.Random(seed)
    weights = [1 / (rank + 1) ** 1.3 for rank in range(30)]
    drawn = [chance.choices(range(30), weights, k=chance.randrange(5)) for _ in range(num_rows)]
    return [sorted({f"label {name}" for name in (*names, *(name + 1 for name in names if name in (3, 20)))})
            for names in drawn]


def ours(keys: Sequence[str], labels: Lists, seed: int) -> dict[str, str]:
    """The sides that `hold_out` gives."""
    table = pa.table({"row": keys, "label": pa.array(labels, pa.list_(pa.string()))})
    shares = {split: share for split, share in SHARES.items() if split != "train"}
    splits = hold_out(table, shares=shares, keys=keys, seed=seed)
    return {key: split for split, part in splits.items() for key in part["row"].to_pylist()}


def drawn(keys: Sequence[str], _labels: Lists, seed: int) -> dict[str, str]:
    """Rows in the order of chance."""
    order = random.Random(seed).sample(keys, len(keys))
    ends = round(0.8 * len(keys)), round(0.9 * len(keys))
    parts = {"train": order[:ends[0]], "validation": order[ends[0]:ends[1]], "test": order[ends[1]:]}
    return {key: split for split, part in parts.items() for key in part}


def published(keys: Sequence[str], labels: Lists, seed: int) -> dict[str, str]:
    """Algorithm 1 of Sechidis, Tsoumakas, Vlahavas (2011): the rarest label left, to the split that lacks it most."""
    chance = random.Random(seed)
    lacks = {split: share * len(keys) for split, share in SHARES.items()}
    totals = Counter(name for names in labels for name in names)
    wants = {split: {name: share * total for name, total in totals.items()} for split, share in SHARES.items()}
    free, found = dict(zip(keys, labels, strict=True)), dict[str, str]()

    def give(key: str, split: str) -> None:
        found[key] = split
        lacks[split] -= 1
        for name in free.pop(key):
            wants[split][name] -= 1

    while left := Counter(name for names in free.values() for name in names):
        rarest = min(left, key=lambda name: (left[name], name))
        for key in [key for key, names in free.items() if rarest in names]:
            give(key, max(SHARES, key=lambda split: (wants[split][rarest], lacks[split], chance.random())))
    for key in list(free):
        give(key, max(SHARES, key=lambda split: lacks[split]))
    return found


def measure(split: Split, num_rows: int, seed: int) -> tuple[float, float, float]:
    """Mean and largest distance of a label's share of test from a tenth, and the share of old rows that move."""
    chance = random.Random(seed)
    labels = dict(zip((f"{chance.random()}" for _ in range(num_rows * 6 // 5)), generated(num_rows * 6 // 5, seed),
                      strict=True))
    old, both = list(labels)[:num_rows], chance.sample(list(labels), len(labels))
    before, after = (split(keys, [labels[key] for key in keys], seed) for keys in (old, both))
    totals = Counter(name for names in labels.values() for name in names)
    in_test = Counter(name for key, names in labels.items() if after[key] == "test" for name in names)
    off = [abs(in_test[name] / total - 0.1) for name, total in totals.items() if total >= 10]
    return statistics.mean(off), max(off), sum(before[key] != after[key] for key in old) / len(old)


def main() -> None:
    """Print one line per size and way of splitting."""
    print(f"{'rows':>8}  {'split':12}{'share of test off by':>22}{'at most':>10}{'old rows moved':>16}")
    for num_rows in (1_000, 10_000):
        for name, split in (("finetune", ours), ("published", published), ("drawn", drawn)):
            found = [measure(split, num_rows, seed) for seed in SEEDS]
            mean, most, moved = (statistics.mean(column) for column in zip(*found, strict=True))
            print(f"{num_rows:>8,}  {name:12}{mean:>22.4f}{most:>10.3f}{moved:>16.1%}")


if __name__ == "__main__":
    main()
