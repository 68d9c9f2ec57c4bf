"""The whole text pass on generated documents with planted truth: `make bench NAME=near_duplicates [ARGS="200000"]`.

Repair, exact and near duplicates (128 permutations, Jaccard 0.8) and the leakage gate over rows whose copies are known.
The peer, datasets.map with datasketch, runs on the same documents where datasketch can be imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import random
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from finetune.clean import engine

ROLES = {"text": "text", "label": "label"}
NUM_ROWS = 200_000
HELD_OUT = 0.05  # of the rows, in test
SHARES = {"exact": 0.02, "normalised": 0.02, "near": 0.05, "leaked": 0.01, "cousin": 0.05}
VOCABULARY = 40_000
MIN_WORDS, MAX_WORDS = 30, 160


@dataclass(frozen=True)
class Planted:
    """The generated splits, and the rows that must be found by kind of copy; cousins must not be."""

    splits: dict[str, pa.Table]
    rows: dict[str, set[str]]


def vocabulary(chance: random.Random) -> list[str]:
    """Words of two to eleven letters, no two alike."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    found: dict[str, None] = {}
    while len(found) < VOCABULARY:
        found["".join(chance.choices(letters, range(26, 0, -1), k=chance.randint(2, 11)))] = None
    return list(found)


def document(words: list[str], weights: list[float], chance: random.Random) -> str:
    """Sentences of words with Zipf's frequencies."""
    drawn = chance.choices(words, cum_weights=weights, k=chance.randint(MIN_WORDS, MAX_WORDS))
    text, start = [], 0
    while start < len(drawn):
        end = start + chance.randint(6, 18)
        text.append(" ".join(drawn[start:end]).capitalize() + chance.choice("...!?"))
        start = end
    return " ".join(text)


def respelt(text: str, chance: random.Random) -> str:
    """The same words in another dress."""
    return chance.choice([text.upper(), f'"{text}"', text.replace(". ", "... ")])


def reworded(text: str, chance: random.Random) -> str:
    """A sentence added, a heading, or one word in thirty changed, missing or doubled; maybe wrapped anew."""
    words = text.split(" ")
    kind = chance.choice(["sentence", "heading", "words"])
    if kind == "sentence":
        words += chance.sample(words, max(2, len(words) // 12))
    elif kind == "heading":
        words.insert(0, "Update:")
    else:
        for place in sorted(chance.sample(range(len(words)), max(1, len(words) // 30)), reverse=True):
            words[place:place + 1] = chance.choice([[f"{words[place]}x"], [], [words[place]] * 2])
    return chance.choice([" ", "\n"]).join(words)


def cousin(text: str, chance: random.Random) -> str:
    """A text on the same template: one word in six is another, and it is no copy."""
    words = text.split(" ")
    for place in chance.sample(range(len(words)), len(words) // 6):
        words[place] = f"{words[place][::-1]}q"
    return " ".join(words)


def generate(num_rows: int) -> Planted:
    """Documents, and copies of documents at the shares above; every original is copied once at most."""
    chance = random.Random(11)
    words = vocabulary(chance)
    weights = list(accumulate(1 / (rank + 3) for rank in range(VOCABULARY)))
    counts = {kind: int(share * num_rows) for kind, share in SHARES.items()}
    originals = [document(words, weights, chance) for _ in range(num_rows - sum(counts.values()))]
    free = iter(chance.sample(range(len(originals)), sum(counts.values())))
    change: dict[str, Callable[[str, random.Random], str]] = {
        "exact": lambda text, _: text, "normalised": respelt, "near": reworded, "leaked": reworded, "cousin": cousin}
    train, test = [(text, "") for text in originals], list[tuple[str, str]]()
    for kind, count in counts.items():
        for place in (next(free) for _ in range(count)):
            (test if kind == "leaked" else train).append((change[kind](originals[place], chance), kind))
            if kind == "leaked":
                train[place] = (originals[place], "leaked")
    test += [(document(words, weights, chance), "") for _ in range(int(HELD_OUT * num_rows))]
    tables, rows = {}, {kind: set[str]() for kind in SHARES}
    for name, texts in (("train", train), ("test", test)):
        tables[name] = table(name, [text for text, _ in texts])
        for number, (_, kind) in enumerate(texts):
            rows.get(kind, set()).add(f"{name}:{number}")
    return Planted(tables, rows)


def table(name: str, texts: list[str]) -> pa.Table:
    """The rows as the reader hands them over."""
    return pa.table({"row": [f"{name}:{number}" for number in range(len(texts))],
                     "hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
                     "text": texts, "label": ["a"] * len(texts)})


class Memory(threading.Thread):
    """The most resident memory above that at its start, in MiB, looked at fifty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.start_mib, self.peak_mib, self._done = resident(), 0.0, threading.Event()

    def run(self) -> None:
        """Look until stopped."""
        while not self._done.wait(0.02):
            self.peak_mib = max(self.peak_mib, resident() - self.start_mib)

    def stop(self) -> float:
        """The peak."""
        self._done.set()
        self.join()
        return self.peak_mib


def resident() -> float:
    """Resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def ours(planted: Planted) -> tuple[dict[str, set[str]], float, float]:
    """Rows found per rule by the engine at its defaults, the seconds it took, and the processor's part of them."""
    started, used = time.perf_counter(), time.process_time()
    cleaned = engine.clean(planted.splits, ROLES, {})
    seconds, used = time.perf_counter() - started, time.process_time() - used
    found: dict[str, set[str]] = {}
    for line in cleaned.ledger:
        found.setdefault(line.rule, set()).add(line.row)
    return found, seconds, used


def peer(planted: Planted) -> float:
    """Seconds of datasets.map with datasketch over the same rows: repair, exact, near copies, leakage."""
    from datasets import Dataset
    from datasketch import MinHash, MinHashLSH
    from ftfy import fix_text

    def prepare(row: dict[str, Any]) -> dict[str, Any]:
        text = fix_text(row["text"])
        words = text.lower().split()
        sketch = MinHash(num_perm=128)
        sketch.update_batch([part.encode() for part in [*words, *map(" ".join, pairwise(words))]])
        return {"text": text, "key": " ".join(words), "sketch": sketch.hashvalues}

    started = time.perf_counter()
    seen: set[str] = set()
    index = MinHashLSH(threshold=0.8, num_perm=128)
    for split in planted.splits.values():
        for row in Dataset(split.select(["row", "text"])).map(prepare).with_format("numpy"):
            sketch = MinHash(num_perm=128, hashvalues=row["sketch"])
            if row["key"] not in seen:
                index.query(sketch)
                index.insert(str(row["row"]), sketch)
            seen.add(str(row["key"]))
    return time.perf_counter() - started


def share(part: set[str], whole: set[str]) -> str:
    """How much of the whole is in the part, with the count."""
    return f"{len(part & whole) / max(len(whole), 1):.4f} of {len(whole):,}"


def main() -> None:
    """Generate, clean, compare with what was planted."""
    num_rows = int(sys.argv[1]) if len(sys.argv) > 1 else NUM_ROWS
    planted = generate(num_rows)
    total = sum(split.num_rows for split in planted.splits.values())
    size = sum(len(text) for split in planted.splits.values() for text in split["text"].to_pylist()) / total
    print(f"{total:,} documents of {size:.0f} characters on average")
    memory = Memory()
    memory.start()
    found, seconds, used = ours(planted)
    print(f"  finetune: {seconds:.1f} s ({used:.1f} s of one processor), {total / seconds:,.0f} rows/s, "
          f"{memory.stop():,.0f} MiB above start")
    copies = found.get("duplicates", set())
    near = {row for row in found.get("near_duplicates", set()) if row.startswith("train")}
    truth = planted.rows
    print(f"  exact and normalised: recall {share(copies, truth['exact'] | truth['normalised'])}")
    print(f"  near copies: recall {share(near, truth['near'])}, precision {share(truth['near'], near)}")
    leaks = found.get("leakage", set())
    print(f"  leaks: recall {share(leaks, truth['leaked'])}, precision {share(truth['leaked'], leaks)}")
    print(f"  cousins taken for copies: {share(near | copies | leaks, truth['cousin'])}")
    if importlib.util.find_spec("datasketch") is None:
        print("  datasets.map + datasketch: not measured, datasketch is not installed")
    else:
        theirs = peer(planted)
        print(f"  datasets.map + datasketch: {theirs:.1f} s, {total / theirs:,.0f} rows/s; "
              f"ours is {theirs / seconds:.1f} times as fast")


if __name__ == "__main__":
    main()
