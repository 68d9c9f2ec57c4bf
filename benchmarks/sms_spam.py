"""SMS Spam Collection (5,574 messages) through `spam`: `make bench NAME=sms_spam [ARGS="SEEDS [OVERRIDE ...]"]`.

The rows are dealt to test (a fifth) by their content, so every seed has a test split of its own.
Told are the scores of the label spam on test beside the run's own TF-IDF baseline, and what is gained on the same rows.
`ARGS="1 --validation ..."` stops before test is read and tells the best validation score alone. The seeds run side by
side, so their times say nothing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import runs

SCORES = ("average_precision", "f1", "recall_at_99_precision", "precision", "recall", "roc_auc")
SETTINGS = ["data.columns.label=0", "data.columns.text=1", "data.quotes=literal", "data.split.test=0.2",
            "train.length=2epochs", "train.evaluate_every=1epochs", "clean.label_errors=off", "clean.strangers=off"]


def main() -> None:
    """Three seeds, or as many as are asked for."""
    arguments = sys.argv[1:]
    seeds = range(1, 1 + int(arguments.pop(0) if arguments[:1] and arguments[0].isdecimal() else 3))
    only_validation = "--validation" in arguments
    settings = [f"data.files.train={runs.data('sms_spam') / 'sms.tsv'}", *SETTINGS,
                *(argument for argument in arguments if argument != "--validation")]
    with tempfile.TemporaryDirectory() as output:
        if only_validation:
            for seed in seeds:
                train([*settings, f"seed={seed}"], Path(output) / str(seed))
            return
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda seed: runs.run("spam", [*settings, f"seed={seed}"], Path(output) / str(seed)),
                                  seeds))
        runs.report("SMS spam through the recipe", found)
        tell(found)


def train(settings: list[str], output_dir: Path) -> None:
    """Prepare and train, and tell the best validation score."""
    command = [sys.executable, "-m", "finetune", "train", "spam", *settings, f"output_dir={output_dir}"]
    subprocess.run(command, check=True)
    (file,) = output_dir.glob("spam/*/train.json")
    summary = json.loads(file.read_text())["train"]
    print(f"best validation score {summary['best_score']:.4f} at step {summary['best_step']:,} of "
          f"{summary['steps']:,}; {summary['seconds']:.0f} s")


def tell(found: list[runs.Finished]) -> None:
    """All scores of the positive label, the gain over TF-IDF, and the means over the seeds."""
    scored = []
    for seed, finished in enumerate(found, start=1):
        metrics = finished.read("metrics.json")
        test = metrics["splits"]["test"]
        scored.append({name: test[name]["value"] for name in SCORES})
        gain = metrics["baselines"]["tfidf_linear"]["gain"]
        print(f"  seed {seed}: " + ", ".join(f"{name} {test[name]['value']:.4f}" for name in SCORES)
              + f"; gain over TF-IDF {gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})")
    for name in SCORES:
        values = [scores[name] for scores in scored]
        print(f"  mean {name} {statistics.mean(values):.4f} ({min(values):.4f} to {max(values):.4f})")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "scikit-learn")))


if __name__ == "__main__":
    main()
