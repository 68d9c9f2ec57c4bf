"""Every public set, read by its command in `docs/data.md` and counted: `make bench NAME=data_sets`.

Peer: the README of each set, whose counts were made from the files by other means. Nothing is trained.
"""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import runs
from finetune import override, recipe
from finetune.data import sources

GUIDE = Path(__file__).parents[1] / "docs" / "data.md"
SPLIT_COUNT = re.compile(r"([\d,]+) (train|validation|test)")

# Split to the words of the set's README that count it: `#` stands for its rows, `@` for the rows of a label.
README = {
    "ag_news_7600": {"train": "# rows, @ per class."},
    "cifar10n_10k": {"train": "# images, @ per class:"},
    "mnist_10k": {"train": "# images; digits 0-9: @, @, @, @, @, @, @, @, @, @."},
    "rt_polarity": {"train": "@ positive and @ negative sentences (#)."},
    "sms_spam": {"train": "# rows: @ ham, @ spam (13.4 %)."},
    "sst2": {"train": "| train | # | @ | @ |", "validation": "| dev | # | @ | @ |", "test": "| test | # | @ | @ |"},
    "trec": {"train": "| train | # | @ | @ | @ | @ | @ | @ |", "test": "| test | # | @ | @ | @ | @ | @ | @ |"},
    "waimai_10k": {"train": "# rows: @ negative, @ positive,"},
}


@dataclass(frozen=True)
class Documented:
    """A line of the guide's table."""

    name: str
    command: str
    rows: Mapping[str, int]


def documented() -> list[Documented]:
    """The table of public sets in the guide."""
    found = re.findall(r"^\| (\w+) \| `(finetune run [^`]+)` \| ([^|]+) \|$", GUIDE.read_text(), re.MULTILINE)
    return [Documented(name, command, {split: number(count) for count, split in SPLIT_COUNT.findall(rows)})
            for name, command, rows in found]


def number(text: str) -> int:
    """7,600 as a number."""
    return int(text.replace(",", ""))


def counted(name: str, split: str) -> tuple[int, set[int]]:
    """Rows of a split and of its labels by the set's README; the benchmark ends where its words are not there."""
    words = README[name].get(split)
    if words is None:
        return 0, set()
    pattern = re.escape(words).replace(r"\#", r"(?P<rows>\d[\d,]*)").replace("@", r"(\d[\d,]*)")
    match = re.search(pattern, (runs.data(name) / "README.md").read_text())
    if not match:
        sys.exit(f"{name}: its README does not say {words!r}. Correct benchmarks/data_sets.py.")
    labels = [number(text) for place, text in enumerate(match.groups(), 1) if match.start(place) != match.start("rows")]
    return number(match["rows"]), set(labels)


def read(command: str) -> Any:
    """The rows that a command reads."""
    _, _, name, *arguments = shlex.split(command.replace("DATA/", f"{runs.DATA}/"))
    chosen = override.apply(recipe.load(name), arguments)
    return sources.read(chosen.data, "files", chosen.task.roles)


def compare(entry: Documented) -> int:
    """One line per split of a set; how many of them differ from the guide or from the set's README."""
    started = time.perf_counter()
    found = read(entry.command)
    seconds, wrong = time.perf_counter() - started, 0
    for split in ("train", "validation", "test"):
        if split not in {*found.splits, *entry.rows, *README[entry.name]}:
            continue
        table = found.splits.get(split)
        labels = Counter(table["label"].to_pylist()) if table else Counter()
        expected, of_labels = counted(entry.name, split)
        rows = (labels.total(), entry.rows.get(split, 0), expected)
        differs = len(set(rows)) > 1 or set(labels.values()) != of_labels
        wrong += differs
        print(f"{entry.name:<14}{split:<12}{rows[0]:>8,}{rows[1]:>8,}{rows[2]:>8,}  {seconds:>7.1f}  "
              f"{', '.join(f'{label} {count:,}' for label, count in sorted(labels.items()))}"
              f"{'   DIFFERS' if differs else ''}")
    for note in found.notes:
        print(f"              {note}")
    return wrong


def main() -> None:
    """The table; ends with 1 where a count differs."""
    sets = documented()
    if {entry.name for entry in sets} != set(README):
        sys.exit("docs/data.md and benchmarks/data_sets.py do not name the same sets.")
    print(f"{'set':<14}{'split':<12}{'read':>8}{'guide':>8}{'README':>8}  {'seconds':>7}  labels")
    wrong = sum(map(compare, sets))
    if wrong:
        sys.exit(f"{wrong} counts differ.")


if __name__ == "__main__":
    main()
