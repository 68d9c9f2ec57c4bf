"""Exact and normalised copies alone, against a datasets.map pass, polars and pandas: `make bench NAME=duplicates`.

Every side is handed the same texts in memory and answers which rows are copies of an earlier one but for case, blanks
and punctuation (ASCII; ours knows the rest of Unicode, too). Each in one process; polars with all threads, then one.
By turns, medians. ARGS: rows (200,000) and turns (5).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from finetune.clean import duplicates

ROLES = {"text": "text", "label": "label"}
PEERS = ("datasets", "polars", "pandas", "numpy", "pyarrow")
MOST_WORDS = (25, 160)  # of a text, as in short messages and in articles
NOT_WORDS = r"[\s.,;:!?'\"`()\[\]-]+"
COMPILED = re.compile(NOT_WORDS)


def generated(num_rows: int, most: int) -> pa.Table:
    """Rows of up to so many words; each tenth one is a copy of another, half of them in capitals."""
    chance = np.random.Generator(np.random.PCG64(5))
    words = np.array(["".join(chance.choice(list("etaoinshrdlu"), chance.integers(2, 11))) for _ in range(20_000)])
    sizes = chance.integers(most // 5, most, size=num_rows)
    texts = [" ".join(words[chance.integers(len(words), size=size)]) + "." for size in sizes]
    for place in range(9, num_rows, 10):
        earlier = texts[int(chance.integers(place))]
        texts[place] = earlier.upper() if place % 20 == 9 else earlier
    return pa.table({"row": [f"r:{place}" for place in range(num_rows)], "text": texts,
                     "hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts], "label": ["a"] * num_rows})


def ours(table: pa.Table) -> set[int]:
    """The rule `duplicates`, on a table that it has never seen."""
    return set(duplicates.find(table.slice(0), ROLES).rows)


def key(text: str) -> str:
    """What copies have in common."""
    return COMPILED.sub(" ", text.lower()).strip()


def mapped(table: pa.Table, *, batched: bool) -> set[int]:
    """datasets.map, then a set of keys."""
    from datasets import Dataset

    by_row, in_batches = (lambda row: {"key": key(row["text"])}), (lambda rows: {"key": list(map(key, rows["text"]))})
    done = Dataset(table.select(["text"])).map(in_batches if batched else by_row, batched=batched)
    first: dict[str, int] = {}
    keys = done.data["key"].to_pylist()
    return {place for place, known in enumerate(keys) if first.setdefault(known, place) != place}


def with_polars(table: pa.Table) -> set[int]:
    """Polars by hand."""
    import polars

    text: Any = polars.from_arrow(table["text"])
    key = text.str.to_lowercase().str.replace_all(NOT_WORDS, " ").str.strip_chars()
    return set((~key.is_first_distinct()).arg_true().to_list())


def with_pandas(table: pa.Table) -> set[int]:
    """Pandas by hand."""
    key = table["text"].to_pandas().str.lower().str.replace(NOT_WORDS, " ", regex=True).str.strip()
    return set(np.flatnonzero(key.duplicated()).tolist())


SIDES: dict[str, Callable[[pa.Table], set[int]]] = {
    "finetune": ours, "datasets.map": partial(mapped, batched=False), "map in batches": partial(mapped, batched=True),
    "polars": with_polars, "pandas": with_pandas}


def main() -> None:
    """One line per side: rows a second by the clock and by the processor, and how much faster ours is."""
    import datasets

    datasets.disable_caching()
    datasets.disable_progress_bars()
    num_rows, turns = (int(sys.argv[place]) if len(sys.argv) > place else usual
                       for place, usual in ((1, 200_000), (2, 5)))
    print("; ".join(f"{peer} {importlib.metadata.version(peer)}" for peer in PEERS))
    for most in MOST_WORDS:
        compare(generated(num_rows, most), most, turns)


def compare(table: pa.Table, most: int, turns: int) -> None:
    """All sides by turns on one table."""
    num_rows, threads = table.num_rows, os.environ.get("POLARS_MAX_THREADS", "all")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in SIDES}
    answers = {}
    for _ in range(turns):
        for name, side in SIDES.items():
            clock, used = time.perf_counter(), time.process_time()
            answers[name] = side(table)
            times[name].append((time.perf_counter() - clock, time.process_time() - used))
    middle = {name: [statistics.median(of_kind) for of_kind in zip(*of_side, strict=True)]
              for name, of_side in times.items()}
    print(f"{num_rows:,} texts of {most // 5} to {most} words, {len(answers['finetune']):,} copies, "
          f"polars with {threads} threads")
    for name, (clock, used) in middle.items():
        same = "the same rows" if answers[name] == answers["finetune"] else f"{len(answers[name]):,} rows"
        ratios = [of_side / own for of_side, own in zip((clock, used), middle["finetune"], strict=True)]
        print(f"  {name:15}{num_rows / clock:10,.0f} rows/s {num_rows / used:10,.0f} a second of one processor; "
              f"ours is {ratios[0]:5.1f} times as fast ({ratios[1]:.1f} by processor); {same}", flush=True)


if __name__ == "__main__":
    main()
    if "POLARS_MAX_THREADS" not in os.environ:
        subprocess.run([sys.executable, *sys.argv], env={**os.environ, "POLARS_MAX_THREADS": "1"}, check=True)
