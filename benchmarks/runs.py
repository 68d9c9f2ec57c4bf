"""Runs of the command line, as the benchmarks start them: one process each, results read from the run folder."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "shared" / "data"  # optional: public data sets, never part of the repository


@dataclass(frozen=True)
class Finished:
    """A finished run and how long all of it took."""

    folder: Path
    seconds: float

    def read(self, name: str) -> Any:
        """A JSON file of the run."""
        return json.loads((self.folder / name).read_text())


def data(name: str) -> Path:
    """A public data set's folder; the benchmark ends when it is not there."""
    folder = DATA / name
    if not folder.is_dir():
        sys.exit(f"{folder}: not there. This benchmark needs the public data set {name!r}.")
    return folder


def run(recipe: str, arguments: Sequence[str], output_dir: Path) -> Finished:
    """`finetune run` with its output shown."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "finetune", "run", recipe, *arguments, f"output_dir={output_dir}"]
    subprocess.run(command, check=True)
    return Finished((output_dir / recipe.replace(":", "-") / "last").resolve(), time.perf_counter() - started)


def report(title: str, runs: Sequence[Finished]) -> None:
    """One line per run and the mean over them: test score with interval, baseline, export."""
    print(f"\n{title}")
    values = []
    for seed, finished in enumerate(runs, start=1):
        metrics, exported = finished.read("metrics.json"), finished.read("onnx/report.json")
        primary, test = metrics["primary"], metrics["splits"]["test"]
        head = test[primary]
        values.append(head["value"])
        baselines = ", ".join(f"{name} {entry[primary]['value']:.4f}" for name, entry in metrics["baselines"].items())
        print(f"  seed {seed}: test {primary} {head['value']:.4f} ({head['low']:.4f} to {head['high']:.4f}) on "
              f"{test['rows']:,} rows; {baselines}; training {metrics['train']['seconds']:.0f} s, "
              f"all {finished.seconds:.0f} s")
        others = [f"{name} {score['value']:.4f}" for name, score in test.items()
                  if isinstance(score, dict) and "value" in score and name != primary]
        print(f"    on test, too: {', '.join(others)}")
        for item in exported["artifacts"][1:]:
            gap = "" if item["max_abs_diff"] is None else f"max difference {item['max_abs_diff']:.1e}  "
            print(f"    {item['name']:5} {item['size_mib']:6.1f} MiB  {gap}"
                  f"same answer {item['agreement']:.2%}  drop {item['score_drop']:+.4f}  "
                  f"{item['latency_ms_p50']:.2f} ms ({item['speedup']:.1f}x)  {item['verdict']}")
    spread = f" (standard deviation {statistics.stdev(values):.4f})" if len(values) > 1 else ""
    print(f"  mean test score over {len(values)} seed(s): {statistics.mean(values):.4f}{spread}")
