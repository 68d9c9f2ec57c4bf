"""What the survey of the rows costs, and how often it cries wolf: `make bench NAME=survey [ARGS="ROWS PICTURES"]`.

First ROWS (100,000) generated texts, one in twenty a copy, and PICTURES (2,000) generated JPEGs of 640 x 480: seconds
of all rules, of the survey, and its share, which falls with more pictures, since some of them stand for all. Then every
public text set of ../shared/data in 50 random splits of 80, 10 and 10 %: in how many of them a split is said to differ
(none does), and in what the splits are said to differ when the test rows are the longest tenth.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from near_pictures import generate
from rules import DATA, ROLES, SETS, generated, table

from finetune.clean import engine
from finetune.clean.survey.whole import survey
from finetune.data import images

PICTURES = {"image": "image", "label": "label"}
NUM_SPLITS = 50


def parted(rows: pa.Table, order: np.ndarray) -> dict[str, pa.Table]:
    """80, 10 and 10 % of the rows in an order."""
    ends = [0, int(0.8 * len(order)), int(0.9 * len(order)), len(order)]
    return {split: rows.take(np.sort(order[start:end]))
            for split, start, end in zip(("train", "validation", "test"), ends, ends[1:], strict=False)}


def cost(what: str, splits: Mapping[str, pa.Table], roles: Mapping[str, str], *, reading: float = 0.0) -> None:
    """One line: seconds of reading and rules, of the survey, and its share of both together."""
    started = time.perf_counter()
    cleaned = engine.clean(splits, roles, {"leakage": "report"})
    rules = time.perf_counter() - started
    started = time.perf_counter()
    found = survey(cleaned.splits, roles)
    seconds = time.perf_counter() - started
    share = seconds / (rules + reading + seconds)
    print(f"{what:16} rules {rules + reading:6.1f} s   survey {seconds:5.2f} s   {share:5.1%}   "
          f"{len(cleaned.quality['clusters'])} clusters, {len(found['distributions'])} tests")


def texts(num_rows: int) -> None:
    """Generated texts with copies."""
    rows = generated(num_rows, random.Random(4))
    chosen = np.arange(num_rows)
    chosen[19::20] = chosen[18::20][: len(chosen[19::20])]
    rows = rows.take(chosen)
    rows = rows.set_column(0, "row", pa.array([f"row:{number}" for number in range(num_rows)]))
    cost(f"{num_rows:,} texts", parted(rows, np.random.default_rng(1).permutation(num_rows)), ROLES)


def pictures(num_pictures: int) -> None:
    """Generated JPEGs; checking and hashing them is part of reading."""
    with tempfile.TemporaryDirectory() as folder:
        files, _ = generate(Path(folder), num_pictures)
        started = time.perf_counter()
        rows = pa.table({"row": files, "image": files, "label": ["a", "b"] * (num_pictures // 2)})
        images.check_images(rows, "data.images")
        rows = rows.append_column("hash", pa.array(images.hashes(files)))
        reading = time.perf_counter() - started
        splits = parted(rows, np.random.default_rng(1).permutation(num_pictures))
        cost(f"{num_pictures:,} pictures", splits, PICTURES, reading=reading)


def alarms(name: str) -> None:
    """How often random splits of a public set are said to differ, and those by length."""
    rows = table(SETS[name]())
    wolf = 0
    for seed in range(NUM_SPLITS):
        splits = parted(rows, np.random.default_rng(seed).permutation(rows.num_rows))
        wolf += any(entry["differs"] for entry in survey(splits, ROLES)["distributions"])
    found = survey(parted(rows, np.argsort(np.asarray(pc.utf8_length(rows["text"])))), ROLES)["distributions"]
    seen = sorted({entry["what"] for entry in found if entry["differs"]})
    print(f"{name:16} {rows.num_rows:7,} rows   {wolf} of {NUM_SPLITS} random splits differ   "
          f"by length: {', '.join(seen)}")


def main() -> None:
    """Cost of both kinds of rows, then false alarms."""
    given = [int(argument) for argument in sys.argv[1:]]
    num_rows, num_pictures = given + [100_000, 2_000][len(given):]
    texts(num_rows)
    pictures(num_pictures)
    for name in SETS:
        if (DATA / name.partition("_fine")[0]).is_dir():
            alarms(name)


if __name__ == "__main__":
    main()
