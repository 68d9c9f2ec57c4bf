"""Run by torchrun: train recipes for a few steps. `... tests.contract.launched OUT NAME=BACKBONE...`.

One process prepares the rows, trains, and trains once more from the first checkpoint on; several train on what that
one has prepared. Below OUT/NAME lie the run folders `prepared`, `resumed`, and one by each number of processes.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from accelerate import PartialState
from rich.console import Console

from finetune.run import pipeline
from finetune.run.folder import RunFolder
from finetune.run.train import train
from tests.conftest import QUICK, SMALLER, folder_name

NUM_STEPS = 6
SETTINGS = (*QUICK, f"train.length={NUM_STEPS}steps", f"train.evaluate_every={NUM_STEPS // 2}steps", "clean.label_errors=off",
            "clean.strangers=off")


def prepare(name: str, backbone: str, folder: Path, console: Console) -> None:
    """The rows of a recipe's sample, as a run that was stopped before training."""
    run = pipeline.start(name, [*SETTINGS, *SMALLER.get(name, ()), f"model.name={backbone}", f"output_dir={folder / 'made'}"], command="", console=console)
    pipeline.carry_out_stage(run, "prepare")
    run.folder.path.rename(folder / "prepared")


def fit(place: Path, console: Console) -> None:
    """The stage of training, as a run carries it out."""
    train(pipeline.reopen(RunFolder(place), console))


def fit_rest(place: Path, console: Console) -> None:
    """The same once more, after the last checkpoint and all that came of it are lost."""
    shutil.rmtree(place / "model")
    shutil.rmtree(max((place / "checkpoints").glob("step-*")))
    (place / "log.jsonl").unlink()
    fit(place, console)


def main() -> None:
    """All recipes in one launch, since imports cost more than the work."""
    state, out = PartialState(cpu=True), Path(sys.argv[1])
    with Path(os.devnull).open("w") as nowhere:
        console = Console(file=nowhere)
        for name, _, backbone in (given.partition("=") for given in sys.argv[2:]):
            folder = out / folder_name(name)
            place = folder / str(state.num_processes)
            if state.num_processes == 1:
                prepare(name, backbone, folder, console)
            if state.is_main_process:
                shutil.copytree(folder / "prepared", place)
                RunFolder(place).write("launch.json", {"profile": "cpu", "processes": state.num_processes})
            state.wait_for_everyone()
            fit(place, console)
            if state.num_processes == 1:
                fit_rest(Path(shutil.copytree(place, folder / "resumed")), console)


if __name__ == "__main__":
    main()
