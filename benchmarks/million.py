"""A million rows of text from a file to cleaned splits: `make bench NAME=million [ARGS="1000000 csv parquet"]`.

A child process prepares a run with all rules that embed nothing: reads the file, holds out validation and test rows,
cleans, and writes the splits, the ledger and quality.json into a run folder. Printed are the seconds it takes and the
most resident memory above what it had before reading, as the kernel counts it, mapped files included; and of it, looked
at a hundred times a second, the most that was the process's own (RssAnon) and the most that was mapped (RssFile), which
the system takes back when it needs it.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

NUM_ROWS = 1_000_000
MIN_WORDS, MAX_WORDS = 60, 100
CHUNK = 10_000


def rows(num_rows: int) -> Iterator[tuple[list[str], list[str]]]:
    """Texts and labels by the thousand, words with Zipf's frequencies; every 50th is a copy, half of them near."""
    chance = np.random.Generator(np.random.PCG64(3))
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    words = np.array(["".join(chance.choice(letters, chance.integers(2, 11))) for _ in range(40_000)])
    frequency = 1 / (np.arange(len(words)) + 3)
    upto = np.cumsum(frequency / frequency.sum())
    for start in range(0, num_rows, CHUNK):
        texts: list[str] = []
        sizes = chance.integers(MIN_WORDS, MAX_WORDS + 1, size=min(CHUNK, num_rows - start))
        drawn = words[np.searchsorted(upto, chance.random(sizes.sum()))].tolist()
        for place, (size, end) in enumerate(zip(sizes.tolist(), np.cumsum(sizes).tolist(), strict=True)):
            sentences = [drawn[first:min(first + 12, end)] for first in range(end - size, end, 12)]
            text = ". ".join(" ".join(sentence).capitalize() for sentence in sentences) + "."
            texts.append(text.replace(" a", ", a", 1))
            if place % 50 == 49:
                earlier = texts[int(chance.integers(place))]
                texts[place] = f"{earlier} Update" if place % 100 == 99 else earlier
        yield texts, [("good", "bad")[place] for place in chance.integers(2, size=len(texts))]


def write(folder: Path, num_rows: int, kinds: list[str]) -> list[Path]:
    """The same rows as CSV, with quotes where texts need them, and as Parquet."""
    files = [folder / f"rows.{kind}" for kind in kinds]
    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    with (folder / "rows.csv").open("w", newline="") as opened, parquet.ParquetWriter(
            folder / "rows.parquet", schema) as tables:
        writer = csv.writer(opened)
        writer.writerow(("text", "label"))
        for texts, labels in rows(num_rows):
            writer.writerows(zip(texts, labels, strict=True))
            tables.write_table(pa.table({"text": texts, "label": labels}, schema))
    return files


def status(name: str) -> float:
    """A figure of this process in MiB: VmRSS is resident memory now, VmHWM the most there ever was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1]) / 1024


class Looker(threading.Thread):
    """The most there ever was of some figures of this process, looked at a hundred times a second."""

    def __init__(self, *names: str) -> None:
        super().__init__(daemon=True)
        self.most, self.done = {name: status(name) for name in names}, threading.Event()

    def run(self) -> None:
        """Look until done."""
        while not self.done.wait(0.01):
            for name in self.most:
                self.most[name] = max(self.most[name], status(name))


def prepare(file: str, folder: str) -> None:
    """In the child: the first stage of a run."""
    from rich.console import Console

    from finetune.run import pipeline

    for module in ("pyarrow.compute", "pyarrow.csv", "finetune.run.prepare"):  # what is loaded is no cost of the rows
        import_module(module)
    overrides = [f"data.files.train={file}", f"output_dir={folder}", "data.max_rows=all",
                 "clean.label_errors=off", "clean.strangers=off"]
    started = pipeline.start("sentiment", overrides, command="benchmark", console=Console(stderr=True, quiet=True))
    before, clock, used = status("VmRSS"), time.perf_counter(), time.process_time()
    looker = Looker("RssAnon", "RssFile")
    begun = dict(looker.most)
    looker.start()
    pipeline.carry_out(started, until="prepare")
    looker.done.set()
    seconds, used = time.perf_counter() - clock, time.process_time() - used
    splits = {split: started.folder.table(split).num_rows for split in ("train", "validation", "test")}
    data = sum(part.stat().st_size for part in (started.folder.path / "data").iterdir()) / 2**20
    own, files = (looker.most[name] - begun[name] for name in looker.most)
    print(f"{status('VmHWM') - before:,.0f} MiB above the {before:,.0f} MiB at the start (its own {own:,.0f}, "
          f"mapped {files:,.0f}), {seconds:.0f} s "
          f"({used:.0f} s of one processor); rows left {splits}, {data:,.0f} MiB written")


def main() -> None:
    """One line per format."""
    if sys.argv[1:2] == ["prepare"]:
        prepare(*sys.argv[2:4])
        return
    num_rows = int(sys.argv[1]) if len(sys.argv) > 1 else NUM_ROWS
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        for file in write(Path(folder), num_rows, sys.argv[2:] or ["csv", "parquet"]):
            print(f"{num_rows:,} rows of {MIN_WORDS} to {MAX_WORDS} words, {file.suffix[1:]} of "
                  f"{file.stat().st_size / 2**20:,.0f} MiB: ", end="", flush=True)
            subprocess.run([sys.executable, __file__, "prepare", str(file), f"{folder}/runs"], check=True)


if __name__ == "__main__":
    main()
