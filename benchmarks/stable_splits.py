"""How many rows change sides when a fifth more rows are added, and how far label shares are off what was asked.

Peers that keep shares exactly: a stratified draw (scikit-learn) of the old rows and of all rows. Rows are generated.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from finetune.data.split import hold_out

SHARES = {"validation": 0.1, "test": 0.1}
SIZES = (30, 180, 1_000, 5_000)  # rows of each of ten labels
SEEDS = range(10)
Split = Callable[[Sequence[str], Sequence[str], int], Mapping[str, str]]  # keys, labels, seed -> side of each key


def ours(keys: Sequence[str], labels: Sequence[str], seed: int) -> Mapping[str, str]:
    """The sides that `hold_out` gives."""
    splits = hold_out(pa.table({"row": keys, "label": labels}), shares=SHARES, keys=keys, seed=seed)
    return {key: split for split, table in splits.items() for key in table["row"].to_pylist()}


def drawn(keys: Sequence[str], labels: Sequence[str], seed: int) -> Mapping[str, str]:
    """Two stratified draws of scikit-learn, one after the other."""
    from sklearn.model_selection import train_test_split

    rest, test, of_rest, _ = train_test_split(keys, labels, test_size=0.1, random_state=seed, stratify=labels)
    train, validation = train_test_split(rest, test_size=1 / 9, random_state=seed, stratify=of_rest)
    named = (("train", train), ("validation", validation), ("test", test))
    return {key: split for split, part in named for key in part}


def measure(split: Split, size: int, seed: int) -> tuple[float, float]:
    """Share of the old rows that changed sides, and how far a label's share of test is off on average."""
    chance = random.Random(seed)
    old = [f"{chance.random()}" for _ in range(10 * size)]
    new = [f"{chance.random()}" for _ in range(2 * size)]
    both = [*old, *new]
    chance.shuffle(both)  # what is added stands anywhere
    label_of = dict(zip(old, (f"label {i % 10}" for i in range(len(old))), strict=True))
    label_of |= dict(zip(new, (f"label {i % 10}" for i in range(len(new))), strict=True))
    before, after = (split(keys, [label_of[key] for key in keys], seed) for keys in (old, both))
    moved = sum(before[key] != after[key] for key in old) / len(old)
    in_test = Counter(label_of[key] for key, side in after.items() if side == "test")
    return moved, statistics.mean(abs(in_test[label] / (1.2 * size) - 0.1) for label in in_test)


def main() -> None:
    """Print one line per size and way of splitting."""
    import sklearn

    print(f"scikit-learn {sklearn.__version__}; ten labels, a fifth more rows, {len(SEEDS)} seeds")
    print(f"{'rows of a label':>16}  {'split':14}{'old rows moved':>16}{'share of test off by':>23}")
    for size in SIZES:
        for name, split in (("finetune", ours), ("train_test_split", drawn)):
            found = [measure(split, size, seed) for seed in SEEDS if size < 5_000 or seed < 3]
            moved, off = (statistics.mean(column) for column in zip(*found, strict=True))
            print(f"{size:>16,}  {name:18}{moved:>12.2%}{off:>23.4f}")


if __name__ == "__main__":
    main()
