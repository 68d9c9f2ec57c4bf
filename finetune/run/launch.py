"""Stage 2 under a launcher: one process prepares the rows, all of them train."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from rich.console import Console

from finetune.run import folder, pipeline, processes
from finetune.train import lifeline, world

if TYPE_CHECKING:
    from finetune.run.context import Run

# How long a process may wait for the others, as while one prepares the rows; torch's 10 minutes for nccl are too short
# for that. Whoever waits for a dead one is freed by the lifeline.
PATIENCE = timedelta(hours=12)


def train(make: Callable[[Console], Run]) -> None:
    """Prepare and train; `make` is called on the main process alone, the others open the folder it made.

    An error in one process ends all of them.
    """
    state = PartialState(cpu=not world.has_accelerator(), timeout=PATIENCE)
    console = Console(quiet=not state.is_main_process, emoji=False)
    publish = partial(_shared, state)
    with lifeline.held(state.process_index, state.num_processes, publish=publish) as line:
        world.check(state)
        run = _prepared(make, console, publish) if state.is_main_process else _opened(console, publish)
        line.advice = f"The run is kept. Go on with: {run.again()}"
        pipeline.carry_out(run, until="train")
    if state.is_main_process:
        console.print(f"  go on with: {run.again()}", highlight=False, soft_wrap=True)


def _prepared(make: Callable[[Console], Run], console: Console, publish: Callable[[Any], Any]) -> Run:
    """The run with its rows; the others learn its folder, or that there will be none."""
    place = None
    try:
        run = make(console)
        pipeline.announce(run)
        if run.folder.next_stage == "prepare":
            pipeline.foresee(run, exports=False)
            processes.note(run, world.profile(), world.size())
            pipeline.carry_out(run, until="prepare")
        place = run.folder.path
    finally:
        publish(place)
    return run


def _opened(console: Console, publish: Callable[[Any], Any]) -> Run:
    place = publish(None)
    if place is None:
        raise SystemExit(1)  # the main process has said why
    return pipeline.reopen(folder.RunFolder(place), console)


def _shared(state: PartialState, value: Any) -> Any:
    """The main process's value on every process."""
    return broadcast_object_list([value])[0] if state.num_processes > 1 else value
