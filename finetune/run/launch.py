"""Stage 2 under a launcher: one process prepares the rows, all of them train."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from rich.console import Console

from finetune.errors import FinetuneError
from finetune.run import pipeline

if TYPE_CHECKING:
    from finetune.run.context import Run


def train(make: Callable[[Console], Run]) -> None:
    """Prepare and train; `make` is called on the main process alone, the others open the folder it made.

    An error on the main process reaches all of them, so that none waits for ever.
    """
    import torch

    state = PartialState(cpu=not torch.accelerator.is_available())
    console = Console(quiet=not state.is_main_process)
    run, problem = (_prepared(make, console) if state.is_main_process else (None, None))
    problem, path = _shared(state, (problem, run.folder.path if run else None))
    if problem is not None:
        raise problem
    if run is None:
        from finetune.run import folder

        run = pipeline.reopen(folder.RunFolder(path), console)
    pipeline.carry_out(run, until="train")
    if state.is_main_process:
        again = f"finetune run {run.name} --resume {run.folder.path}"
        console.print(f"  go on with: {again}", highlight=False, soft_wrap=True)


def _prepared(make: Callable[[Console], Run], console: Console) -> tuple[Run | None, FinetuneError | None]:
    try:
        run = make(console)
        if run.folder.next_stage == "prepare":
            pipeline.carry_out(run, until="prepare")
    except FinetuneError as error:
        return None, error
    return run, None


def _shared(state: PartialState, value: tuple[Any, Any]) -> Any:
    return broadcast_object_list([value])[0] if state.num_processes > 1 else value
