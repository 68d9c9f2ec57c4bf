"""How long the light verbs take: `make bench NAME=startup [ARGS=RUN]`; with a run folder, the first answer too."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "list": ["list"],
    "show": ["show", "sentiment"],
    "wrong verb": ["shwo"],
    "wrong recipe": ["run", "sentimental"],
    "wrong key": ["run", "sentiment", "trian.lr=1"],
    "wrong type": ["run", "sentiment", "train.lr=fast"],
}
ROUNDS = 9


def seconds(arguments: list[str]) -> float:
    """Wall time of one whole process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "finetune", *arguments], capture_output=True, check=False)
    return time.perf_counter() - started


def main() -> None:
    """Commands take turns, so that a busy machine hits all alike."""
    commands = dict(COMMANDS)
    if len(sys.argv) > 1:
        commands["predict"] = ["predict", sys.argv[1], "A fine evening."]
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, arguments in commands.items():
            times[name].append(seconds(arguments))
    for name, found in times.items():
        print(f"  {name:13} median {statistics.median(found):.2f} s   fastest {min(found):.2f} s   "
              f"slowest {max(found):.2f} s")


if __name__ == "__main__":
    main()
