"""Run by torchrun: fit miniatures on all processes and write what they did. `... tests.parity.processes OUT KIND...`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import gather_object

from finetune.data.examples import Examples
from finetune.evaluate.score import Predicted
from finetune.train import loop
from finetune.train.feed import Feed
from finetune.train.hooks import LogFile
from finetune.train.progress import Plan, Progress
from finetune.train.step import MicroBatch
from tests.parity import setting
from tests.parity.sharded import shard

NUM_STEPS, MORE_STEPS = 30, 4
RATES = {"bert": 1e-3, "vit": 3e-4, "tags": 3e-4, "answers": 3e-4}  # kind, and the rate at which each learns without magnifying rounding
ROWS = {"bert": 101, "vit": 97, "tags": 101, "answers": 101}  # in batches of 32 the last has 5 rows, or 1, of which only one process gets any
KEPT = (1, 2, 40, 129, 193)  # validation rows: fewer than processes, and where one of 2 or 3 needs a forward pass more
WAYS = ("whole", "sharded")
UNCHANGED = {"augmentations": ()}
# What makes up for uneven labels: one text in six is positive.
UNEVEN: dict[str, dict[str, Any]] = {
    "weights": {"class_weights": "balanced", "loss": "focal"}, "sampler": {"sampler": "balanced"},
    "adjusted": {"loss": "logit_adjusted"},
}
UNEVEN_STEPS = 6


class Noting(Examples):
    """Examples that note which rows were asked for."""

    def __init__(self, examples: Examples) -> None:
        self.__dict__ |= examples.__dict__
        self.asked: list[int] = []

    def augmented(self, position: int, *, seed: int, epoch: int, visit: int = 0) -> Any:
        self.asked.append(position)
        return super().augmented(position, seed=seed, epoch=epoch, visit=visit)


class Recorder:
    """A feed that notes, step by step, the rows this process really computes."""

    def __init__(self, feed: Feed) -> None:
        self.examples = Noting(feed.examples)
        self.feed, self.steps = replace(feed, examples=self.examples), []

    def epoch(self, epoch: int, *, skip: int = 0) -> Iterator[list[MicroBatch]]:
        for micro_batches in self.feed.epoch(epoch, skip=skip):
            done = []
            for micro in micro_batches:
                asked, self.examples.asked = self.examples.asked[:micro.batch.rows], self.examples.asked[micro.batch.rows:]
                done += asked if micro.real else []
            self.steps.append(done)
            yield micro_batches


def made(kind: str, folder: Path, processes: int) -> loop.Training:
    """The miniature, its batches of 32 rows cut for so many processes."""
    train = setting.steps(NUM_STEPS, micro_batch=-(-32 // processes), lr=RATES[kind])
    return setting.training(kind, folder, train=train, num_rows=ROWS[kind], dropout=0.0, options=UNCHANGED)


def made_uneven(name: str, folder: Path, processes: int) -> loop.Training:
    """A few steps over uneven labels."""
    train = replace(setting.steps(UNEVEN_STEPS, micro_batch=-(-32 // processes)), **UNEVEN[name])
    return setting.training("bert", folder, train=train, num_rows=ROWS["bert"], dropout=0.0, every=6)


def shown(predicted: Predicted) -> dict[str, Any]:
    """What an evaluation found, as JSON."""
    assert predicted.loss is not None
    found = next(predicted.columns[name] for name in ("probabilities", "counts", "probability") if name in predicted.columns)
    return {"count": predicted.loss.count, "loss": predicted.loss.total, "found": found.tolist()}


def evaluations(training: loop.Training, kind: str) -> dict[int, dict[str, Any]]:
    """Evaluations of validation splits of every size."""
    task, processor = training.validation.task, training.validation.processor
    kept = {count: Examples(setting.rows(kind, count, seed=9), task, processor) for count in KEPT}
    return {count: shown(loop.evaluate(replace(training, validation=rows))) for count, rows in kept.items()}


def fit(kind: str, folder: Path, state: PartialState, written: list[str]) -> None:
    """Train; every process is given a place of its own to write to, of which only the main one's may be used."""
    mine = folder / f"process-{state.process_index}"
    training = made(kind, folder, state.num_processes)
    recorder = Recorder(training.feed)
    if state.is_main_process:
        mine.mkdir()
    training = replace(training, feed=recorder, checkpoints=mine / "checkpoints", hooks=[LogFile(mine / "log.jsonl")])
    written.clear()
    loop.fit(training, Progress())
    files = len(written)
    steps, found = gather_object([recorder.steps]), evaluations(training, kind)
    written_by = gather_object([files])
    if state.is_main_process:
        result = {"processes": state.num_processes, "wrapper": type(training.fitting.model).__name__, "steps": steps,
                  "evaluations": found, "written_by": written_by}
        (folder / "result.json").write_text(json.dumps(result))
    state.wait_for_everyone()


def go_on(kind: str, out: Path, state: PartialState) -> None:
    """Resume what either way has saved in either way, for a few steps more."""
    for saved in WAYS:
        for way in WAYS:
            shard(way == "sharded")
            training = made(kind, out / way / kind, state.num_processes)
            plan: Plan = replace(training.plan, num_steps=NUM_STEPS + MORE_STEPS)
            training = replace(training, plan=plan, checkpoints=out / "more" / f"{saved}-{way}",
                               hooks=[LogFile(out / "more" / f"{saved}-{way}.jsonl")])
            progress = loop.resume(training, out / saved / kind / "process-0" / "checkpoints" / f"step-{NUM_STEPS:08d}")
            progress.stopped = None
            loop.fit(training, progress)


def watch(folder: Path) -> list[str]:
    """A list that grows with every file below `folder` that this process opens to write."""
    found: list[str] = []

    def look(event: str, values: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(values[0], (str, os.PathLike)) and str(values[0]).startswith(str(folder)):
            path, _, flags = values
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                found.append(str(path))

    sys.addaudithook(look)
    return found


def main() -> None:
    """Every miniature, with whole models and with sharded ones, in one launch."""
    state, out, kinds = PartialState(cpu=True), Path(sys.argv[1]), sys.argv[2:]
    written = watch(out)
    for way in WAYS:
        for kind in kinds:
            shard(way == "sharded")
            fit(kind, out / way / kind, state, written)
    shard(False)
    for name in UNEVEN:
        loop.fit(made_uneven(name, out / name, state.num_processes), Progress())
    if state.is_main_process:
        (out / "more").mkdir()
    go_on("bert", out, state)
    state.wait_for_everyone()


if __name__ == "__main__":
    main()
