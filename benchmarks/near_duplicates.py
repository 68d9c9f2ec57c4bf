"""The whole text pass on generated documents with planted truth: `make bench NAME=near_duplicates [ARGS="200000 3"]`.

Repair, exact and near duplicates (128 permutations, Jaccard 0.8) and the leakage gate over rows whose copies are known,
against datasets.map with datasketch, by turns, each in one process with one thread. The peer is given what makes it
fast: batches, sets of shingles, xxhash instead of SHA-1, arrays instead of objects between its steps; beside it stands
what datasketch's documentation shows, on a tenth of the rows. Ours runs twice: with the rules that the peer has an
answer to, and with all that are on by default.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import random
import re
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from finetune.clean import engine

PEERS = ("datasets", "datasketch", "ftfy", "xxhash", "numpy", "pyarrow")
ROLES = {"text": "text", "label": "label"}
NUM_ROWS = 200_000
HELD_OUT = 0.05  # of the rows, in test
SHARES = {"exact": 0.02, "normalised": 0.02, "near": 0.05, "leaked": 0.01, "cousin": 0.05}
VOCABULARY = 40_000
MIN_WORDS, MAX_WORDS = 30, 160
BEYOND = dict.fromkeys(("personal_data", "language", "labels_in_text", "outliers", "placeholders", "contradictions",
                        "near_contradictions", "label_spelling"), "off")  # rules for which the peer has nothing
BATCH = 1000
NOT_WORDS = re.compile(r"[^\w]+")

Found = dict[str, set[str]]  # rule to rows


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


def ours(planted: Planted, policies: dict[str, str]) -> Found:
    """Rows found per rule by the engine."""
    cleaned = engine.clean(planted.splits, ROLES, policies)
    found: Found = {}
    for line in cleaned.ledger:
        found.setdefault(line.rule, set()).add(line.row)
    return found


def tuned(planted: Planted) -> Found:
    """The peer at its fastest: datasets.map in batches, datasketch on sets of xxhashed shingles."""
    from datasets import Dataset
    from datasketch import MinHash
    from ftfy import fix_text
    from xxhash import xxh32_intdigest

    empty = MinHash(num_perm=128, hashfunc=xxh32_intdigest)

    def prepare(batch: dict[str, Any]) -> dict[str, Any]:
        texts = [fix_text(text) for text in batch["text"]]
        words = [NOT_WORDS.split(text.lower()) for text in texts]
        sketches = np.empty((len(texts), 128), np.uint32)
        for number, parts in enumerate(words):
            sketch = empty.copy()
            sketch.update_batch([part.encode() for part in {*parts, *map(" ".join, pairwise(parts))}])
            sketches[number] = sketch.hashvalues
        return {"text": texts, "key": [" ".join(parts).strip() for parts in words], "sketch": sketches}

    def sketched() -> Iterator[tuple[str, str, Any]]:
        for split in planted.splits.values():
            done = Dataset(split.select(["row", "text"])).map(prepare, batched=True, batch_size=BATCH)
            for batch in done.with_format("numpy", columns=["row", "key", "sketch"]).iter(BATCH):
                for row, key, values in zip(batch["row"], batch["key"], batch["sketch"], strict=True):
                    yield str(row), str(key), MinHash(hashvalues=values, scheme=empty.scheme,
                                                      permutations=empty.permutations)

    return looked_up(sketched())


def documented(planted: Planted) -> Found:
    """The peer row by row, as the documentation of datasketch shows it."""
    from datasets import Dataset
    from datasketch import MinHash
    from ftfy import fix_text

    def prepare(row: dict[str, Any]) -> dict[str, Any]:
        text = fix_text(row["text"])
        words = NOT_WORDS.split(text.lower())
        sketch = MinHash(num_perm=128)
        sketch.update_batch([part.encode() for part in [*words, *map(" ".join, pairwise(words))]])
        return {"text": text, "key": " ".join(words).strip(), "sketch": sketch.hashvalues}

    def sketched() -> Iterator[tuple[str, str, Any]]:
        for split in planted.splits.values():
            for row in Dataset(split.select(["row", "text"])).map(prepare).with_format("numpy"):
                yield str(row["row"]), str(row["key"]), MinHash(hashvalues=row["sketch"], scheme="affine32")

    return looked_up(sketched())


def looked_up(rows: Iterator[tuple[str, str, Any]]) -> Found:
    """What equal keys and an index of sketches find, each row held against those before it."""
    from datasketch import MinHashLSH

    index, kept, seen = MinHashLSH(threshold=0.8, num_perm=128), dict[str, Any](), set[str]()
    found: Found = {"duplicates": set(), "near_duplicates": set(), "leakage": set()}
    for row, key, sketch in rows:
        if key in seen:
            found["duplicates"].add(row)
            continue
        seen.add(key)
        twins = [twin for twin in index.query(sketch) if sketch.jaccard(kept[twin]) >= 0.8]
        if twins:
            leaks = {split for split in (row, twins[0]) if row.partition(":")[0] != twins[0].partition(":")[0]}
            found["leakage" if leaks else "near_duplicates"] |= leaks or {row}
        index.insert(row, sketch, check_duplication=False)
        kept[row] = sketch
    return found


def timed(side: Callable[[], Found]) -> tuple[Found, float, float]:
    """What a side finds, the seconds it takes, and the processor's part of them."""
    started, used = time.perf_counter(), time.process_time()
    found = side()
    return found, time.perf_counter() - started, time.process_time() - used


def share(part: set[str], whole: set[str]) -> str:
    """How much of the whole is in the part, with the count."""
    return f"{len(part & whole) / max(len(whole), 1):.4f} of {len(whole):,}"


def judge(found: Found, truth: dict[str, set[str]]) -> None:
    """What was found against what was planted."""
    copies, leaks = found.get("duplicates", set()), found.get("leakage", set())
    near = {row for row in found.get("near_duplicates", set()) if row.startswith("train")}
    print(f"    exact and normalised: recall {share(copies, truth['exact'] | truth['normalised'])}")
    print(f"    near copies: recall {share(near, truth['near'])}, precision {share(truth['near'], near)}")
    print(f"    leaks: recall {share(leaks, truth['leaked'])}, precision {share(truth['leaked'], leaks)}")
    print(f"    cousins taken for copies: {share(near | copies | leaks, truth['cousin'])}")


def main() -> None:
    """Generate, clean, compare with what was planted."""
    import datasets

    datasets.disable_caching()
    datasets.disable_progress_bars()
    num_rows, rounds = (int(sys.argv[place]) if len(sys.argv) > place else usual
                        for place, usual in ((1, NUM_ROWS), (2, 3)))
    planted = generate(num_rows)
    tenth = Planted({name: split.slice(0, split.num_rows // 10) for name, split in planted.splits.items()}, {})
    total = sum(split.num_rows for split in planted.splits.values())
    size = sum(len(text) for split in planted.splits.values() for text in split["text"].to_pylist()) / total
    print(f"{total:,} documents of {size:.0f} characters on average; "
          + ", ".join(f"{peer} {importlib.metadata.version(peer)}" for peer in PEERS))
    sides: dict[str, tuple[Callable[[], Found], int]] = {
        "finetune, same work": (lambda: ours(planted, BEYOND), total),
        "finetune, all rules": (lambda: ours(planted, {}), total),
        "datasets.map + datasketch, tuned": (lambda: tuned(planted), total),
        "datasets.map + datasketch, documented": (lambda: documented(tenth), total // 10),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name, (side, rows) in sides.items():
            memory = Memory()
            memory.start()
            found, seconds, used = timed(side)
            times[name].append((rows / seconds, rows / used))
            print(f"  {name}: {rows / seconds:,.0f} rows/s, {rows / used:,.0f} a second of one processor, "
                  f"{memory.stop():,.0f} MiB above start", flush=True)
            if not turn and rows == total:
                judge(found, planted.rows)
    middle = {name: [statistics.median(of_kind) for of_kind in zip(*of_side, strict=True)]
              for name, of_side in times.items()}
    for name in sides:
        of_ours = "; ".join(f"{own} is {middle[own][0] / middle[name][0]:.1f} times as fast "
                            f"({middle[own][1] / middle[name][1]:.1f} by processor)" for own in list(sides)[:2])
        print(f"median {name}: {middle[name][0]:,.0f} rows/s" + (f"; {of_ours}" if "finetune" not in name else ""))


if __name__ == "__main__":
    main()
