"""Uneven labels: what makes up for them on frozen features, and in training: `make bench NAME=imbalance [ARGS=train]`.

Each way is judged by its macro F1 out of sample, with the 95 % interval of its gain over plain cross-entropy on the
same rows. `train` fits the backbone with and without what was recommended and reads the validation rows.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import data_sets
import numpy as np
import pyarrow as pa
import torch

import runs
from finetune import recipe
from finetune.backbones import features, resolve
from finetune.data.examples import Examples
from finetune.evaluate import advice
from finetune.evaluate.infer import tensors

if TYPE_CHECKING:
    from finetune.contracts import Array

SETS = ("sms_spam", "trec", "ag_news_7600")
CUT = (1900, 516, 140, 38)  # rows of ag_news by label, 50 to 1
SEEDS = (1, 2)
BATCH = 64
# Two blocks of six are fitted: minutes a run on one core.
SMALL = ("data.split.validation=0.25", "task.max_tokens=64", "train.length=2epochs", "train.evaluate_every=1epochs",
         "train.freeze=4", "train.precision=fp32", "train.threads=1")


def rows(name: str) -> pa.Table:
    """The training rows of a set; of ag_news, whose labels are even, a cut whose labels are not."""
    command = next(entry.command for entry in data_sets.documented() if entry.name == name)
    table = data_sets.read(command).splits["train"]
    if name != "ag_news_7600":
        return table
    labels = np.array(table["label"].to_pylist())
    order = np.random.default_rng(0).permutation(table.num_rows)
    kept = [order[labels[order] == label][:count] for label, count in zip(np.unique(labels), CUT, strict=True)]
    return table.take(np.sort(np.concatenate(kept)))


def embed(table: pa.Table) -> tuple[Array, Array]:
    """Features by the backbone of `sentiment`, and targets."""
    chosen = recipe.load("sentiment")
    task = replace(chosen.task, labels=tuple(sorted(set(table["label"].to_pylist()))))  # type: ignore[type-var]  # a dataclass
    loaded = resolve.load(chosen.model, task.head, sample=False)
    examples = Examples(table, task, loaded.processor)
    order, parts = np.argsort(examples.lengths(), kind="stable"), []
    for start in range(0, len(order), BATCH):
        some = [examples[int(row)] for row in order[start : start + BATCH]]
        parts.append(features.pooled(loaded.model, tensors(task.collate(some, loaded.processor)).inputs))
    return np.concatenate(parts)[np.argsort(order)], examples.targets()


def probed(name: str, table: pa.Table) -> advice.Advice:
    """What frozen features recommend, printed with everything that was tried."""
    started = time.perf_counter()
    found, targets = embed(table)
    embedded = time.perf_counter()
    num_labels = int(targets.max()) + 1
    chosen = advice.subset(targets, num_labels=num_labels, seed=0)
    advised = advice.advise(found[chosen], targets[chosen], np.arange(len(chosen)), num_labels=num_labels, seed=0)
    print(f"\n{name}: {len(targets):,} rows, by label {', '.join(map(str, np.bincount(targets)))}; embedded in "
          f"{embedded - started:.0f} s, tried on {advised.num_rows:,} in {time.perf_counter() - embedded:.0f} s")
    print(f"  {'':18} {'macro F1':>8}  {'gain over cross-entropy':>26}  accuracy")
    for way in advised.tried:
        gain = f"{way.gain.value:+.3f} ({way.gain.low:+.3f} to {way.gain.high:+.3f})"
        print(f"  {way.name:18} {way.score.value:8.3f}  {gain:>26}  {way.accuracy:8.3f}")
    print(f"  recommended: {advised.recommended.setting if advised.recommended else 'none'}: {advised.reason}")
    return advised


def trained(table: pa.Table, settings: list[str], folder: Path) -> dict[str, float]:
    """Scores on the validation rows of the evaluation that training keeps."""
    file = folder / "rows.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(("text", "label"))
        writer.writerows(zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True))
    command = [sys.executable, "-m", "finetune", "train", "sentiment", f"data.files.train={file}",
               f"output_dir={folder}", *SMALL, *settings]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    newest = max((folder / "sentiment").glob("*/log.jsonl"), key=lambda log: log.stat().st_mtime)
    lines = [json.loads(line) for line in newest.read_text().splitlines()]
    scores: dict[str, float] = [line for line in lines if line["event"] == "eval" and line["best"]][-1]["scores"]
    return scores


def compare(name: str, table: pa.Table, recommended: str) -> None:
    """Runs with and without one setting."""
    for setting in ("train.loss=cross_entropy", recommended):
        for seed in SEEDS:
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                scores = trained(table, [setting, f"seed={seed}"], Path(folder))
            print(f"  trained, {name}, {setting:32} seed {seed}: macro F1 {scores['f1_macro']:.4f}  accuracy "
                  f"{scores['accuracy']:.4f}  {time.perf_counter() - started:.0f} s", flush=True)


def main() -> None:
    """All sets on frozen features; `train` and names of sets for those in training too."""
    torch.set_num_threads(1)
    names = [name for name in sys.argv[1:] if name in SETS] or list(SETS)
    runs.data(names[0])
    for name in names:
        table = rows(name)
        advised = probed(name, table)
        if "train" in sys.argv[1:]:
            best = advised.recommended or max(advised.tried[1:], key=lambda way: way.score.value)
            compare(name, table, best.setting)


if __name__ == "__main__":
    main()
