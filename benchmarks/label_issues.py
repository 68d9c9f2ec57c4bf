"""Confident learning on 1,000,000 x 20 probabilities against cleanlab: `make bench NAME=label_issues [ARGS="ROWS"]`.

One label in ten is wrong. Asked for: at least 3 times as fast, the same rows. Both sides take turns; cleanlab runs with
its default number of processes and with one.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable

import cleanlab
import numpy as np
from cleanlab.filter import find_label_issues

from finetune.clean.probe import confident

ROUNDS = 5
WRONG = 0.1


def problem(rows: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, one in ten of them wrong, and probabilities that know the right one most of the time."""
    random = np.random.default_rng(7)
    true = random.integers(0, labels, rows)
    logits = 1.5 * random.normal(size=(rows, labels))
    logits[np.arange(rows), true] += 4
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return np.where(random.random(rows) < WRONG, random.integers(0, labels, rows), true), probabilities


def main() -> None:
    """Medians, ratios and whether the rows are the same."""
    rows, labels = (int(sys.argv[place]) if len(sys.argv) > place else usual
                    for place, usual in ((1, 1_000_000), (2, 20)))
    targets, probabilities = problem(rows, labels)
    sides: dict[str, Callable[[], np.ndarray]] = {
        "finetune": lambda: confident.issues(targets, probabilities, confident.joint(targets, probabilities)),
        "cleanlab": lambda: find_label_issues(targets, probabilities),
        "cleanlab, 1 process": lambda: find_label_issues(targets, probabilities, n_jobs=1),
    }
    print(f"{rows:,} rows x {labels} labels; cleanlab {cleanlab.__version__}, numpy {np.__version__}, "
          f"Python {platform.python_version()}; median of {ROUNDS}, in turn")
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    found = {}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            start = time.perf_counter()
            found[name] = side()
            seconds[name].append(time.perf_counter() - start)
    ours = statistics.median(seconds["finetune"])
    for name, times in seconds.items():
        same = np.array_equal(found[name], found["finetune"])
        print(f"  {name:20} {statistics.median(times):6.2f} s  {statistics.median(times) / ours:5.1f} x  "
              f"{found[name].sum():,} rows, {'the same' if same else 'NOT THE SAME'}")


if __name__ == "__main__":
    main()
