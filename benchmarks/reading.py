"""A million rows from CSV and Parquet against `datasets.load_dataset`: `make bench NAME=reading [ARGS=ROWS]`.

Ours also checks every record and its quotes, numbers it by line and hashes its text; the peer does none of that, but
writes a cache. Seconds of processor time, the best of three.
"""

from __future__ import annotations

import csv
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from finetune.data import listing
from finetune.data.read import read_tables
from finetune.data.table_file import Wanted

ROLES = {"text": "text", "label": "label"}


def write(folder: Path, num_rows: int) -> list[Path]:
    """The same rows three times: CSV without quotes, CSV in which most texts are quoted, Parquet."""
    chance = random.Random(1)
    words = [f"w{number}" for number in range(2000)]
    texts = [" ".join(chance.choices(words, k=chance.randint(5, 25))) for _ in range(num_rows)]
    labels = chance.choices(["good", "bad"], k=num_rows)
    files = [folder / "plain.csv", folder / "quoted.csv", folder / "rows.parquet"]
    for file, mark in zip(files, ("", ","), strict=False):
        with file.open("w", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(("text", "label"))
            writer.writerows(zip((text.replace(" w1", f"{mark} w1") for text in texts), labels, strict=True))
    parquet.write_table(pa.table({"text": texts, "label": labels}), files[2])
    return files


def ours(file: Path) -> int:
    """Rows that we read."""
    table, _ = read_tables([listing.one(file, "data.files.train", ROLES)], Wanted(ROLES))
    return int(table.num_rows)


def theirs(file: Path) -> int:
    """Rows that `datasets` reads, into a cache of its own."""
    import datasets

    datasets.disable_progress_bars()
    kind = "parquet" if file.suffix == ".parquet" else "csv"
    with tempfile.TemporaryDirectory() as cache:
        read: Any = datasets.load_dataset(kind, data_files=str(file), split="train", cache_dir=cache)
        return int(read.num_rows)


def seconds(read: Callable[[Path], int], file: Path, num_rows: int) -> float:
    """Processor time of the best of three; the first one also pays for imports."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        assert read(file) == num_rows
        taken.append(time.process_time() - started)
    return min(taken)


def main() -> None:
    """One line per file."""
    num_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for file in write(Path(folder), num_rows):
            own, other = seconds(ours, file, num_rows), seconds(theirs, file, num_rows)
            print(f"{file.name:<14}{file.stat().st_size / 2**20:6.0f} MiB  ours {own:5.2f} s ({num_rows / own:>9,.0f} "
                  f"rows/s)  datasets {other:5.2f} s  ratio {other / own:.2f}")


if __name__ == "__main__":
    main()
