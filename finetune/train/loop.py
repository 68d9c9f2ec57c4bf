"""The loop: steps, evaluations, checkpoints, an early end. It knows no task and no backbone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.utils import gather_object

from finetune.errors import Interrupted
from finetune.evaluate.infer import torch_infer
from finetune.evaluate.score import Predicted, join, predict, scalars
from finetune.train import checkpoint, sharding
from finetune.train.feed import Feed
from finetune.train.optim import rate, set_rate
from finetune.train.progress import Plan, Progress
from finetune.train.step import Fitting, train_step

if TYPE_CHECKING:
    from finetune.contracts import Hook
    from finetune.data.examples import Examples
    from finetune.spec import Train

EVALUATION_BATCH = 64  # rows per forward pass


@dataclass(frozen=True, slots=True)
class Training:
    """Everything the loop works with."""

    fitting: Fitting
    feed: Feed
    validation: Examples
    plan: Plan
    train: Train
    checkpoints: Path
    hooks: Sequence[Hook]
    interrupted: Callable[[], bool]


def fit(training: Training, progress: Progress) -> Progress:
    """Train until the length is reached or no evaluation gains any more; raises Interrupted when asked to stop."""
    plan = training.plan
    _tell(training, "on_start", {"step": progress.step, "num_steps": plan.num_steps})
    try:
        while progress.step < plan.num_steps and not progress.stopped:
            _epoch(training, progress)
    finally:
        _tell(training, "on_end", {"step": progress.step})
    progress.stopped = progress.stopped or "length"
    return progress


def _epoch(training: Training, progress: Progress) -> None:
    """From where progress stands to the end of the epoch or of the run."""
    plan, batch = training.plan, training.train.batch
    epoch, skip = progress.position(plan)
    for micro_batches in training.feed.epoch(epoch, skip=skip):
        started = time.perf_counter()
        lr = rate(training.train, progress.step, plan.num_steps)
        set_rate(training.fitting.optimizer, lr)
        loss, norm = train_step(training.fitting, micro_batches)
        progress.step += 1
        seconds = time.perf_counter() - started
        progress.seconds += seconds
        rows = plan.rows_until(progress.step, batch) - plan.rows_until(progress.step - 1, batch)
        _tell(training, "on_step", {
            "step": progress.step, "epoch": progress.step / plan.steps_per_epoch, "loss": loss, "lr": lr,
            "grad_norm": norm, "rows": rows, "rows_per_second": rows / seconds,
        })
        _after_step(training, progress)
        if progress.stopped or progress.step >= plan.num_steps:
            return


def _after_step(training: Training, progress: Progress) -> None:
    """Evaluate and save where it is due; stop where it was asked for."""
    last = progress.step >= training.plan.num_steps
    due = last or progress.step % training.plan.evaluate_every == 0
    stop = _asked_to_stop(training)
    if due:
        _evaluate(training, progress)
    if due or stop:
        _save(training, progress)
    if stop and not (last or progress.stopped):
        raise Interrupted("train", f"stopped after step {progress.step:,} of {training.plan.num_steps:,}; "
                                   "the checkpoint is complete.")


def evaluate(training: Training) -> Predicted:
    """The validation rows, dealt over all processes and put together again: every row exactly once."""
    accelerator, examples = training.fitting.accelerator, training.validation
    mine = np.arange(accelerator.process_index, len(examples), accelerator.num_processes)
    model = accelerator.unwrap_model(training.fitting.model)
    infer = torch_infer(model, examples.task, device=accelerator.device, autocast=training.fitting.autocast)
    parts = [(predict(examples, infer, batch=EVALUATION_BATCH, positions=mine), mine)] if len(mine) else []
    if sharding.is_sharded(model):
        most = -(-len(examples) // accelerator.num_processes)  # rows of the first process, which has most
        behind = -(-most // EVALUATION_BATCH) - -(-len(mine) // EVALUATION_BATCH)
        sharding.keep_in_step(infer, examples.task.collate([examples[0]], examples.processor), times=behind)
    if accelerator.num_processes > 1:
        parts = gather_object(parts)
    return join([part for part, _ in parts], [positions for _, positions in parts])


def _evaluate(training: Training, progress: Progress) -> None:
    task = training.validation.task
    predicted = evaluate(training)
    loss, scores = predicted.mean_loss, scalars(task.score(predicted.columns))
    assert loss is not None  # validation rows have labels
    best = progress.note(scores[task.primary], loss=loss, greater_is_better=task.greater_is_better,
                         patience=training.train.patience)
    _tell(training, "on_eval", {
        "step": progress.step, "epoch": progress.step / training.plan.steps_per_epoch, "loss": loss,
        "scores": scores, "shown": [task.primary], "best": best,
    })


def _save(training: Training, progress: Progress) -> None:
    """One checkpoint, written by the main process, with every process's random state."""
    accelerator = training.fitting.accelerator
    mine = [(f"random-{accelerator.process_index:05d}", checkpoint.random_state())]
    states: dict[str, Any] = dict(gather_object(mine) if accelerator.num_processes > 1 else mine)
    main = accelerator.is_main_process
    model = sharding.gathered(accelerator.unwrap_model(training.fitting.model), keep=main)
    optimizer = sharding.gathered(training.fitting.optimizer, keep=main)
    if main:
        checkpoint.save(training.checkpoints, model, optimizer, progress=progress, random=states)
    accelerator.wait_for_everyone()
    _tell(training, "on_save", {"step": progress.step})


def _asked_to_stop(training: Training) -> bool:
    """Whether any process got a signal; all must agree, or one would wait for the others for ever."""
    accelerator, asked = training.fitting.accelerator, training.interrupted()
    if accelerator.num_processes == 1:
        return asked
    flag = torch.tensor(int(asked), device=accelerator.device)
    return bool(accelerator.reduce(flag, reduction="sum"))


def resume(training: Training, folder: Path) -> Progress:
    """Restore weights, optimizer and random state of a checkpoint on every process."""
    accelerator = training.fitting.accelerator
    model = sharding.shared_out(accelerator.unwrap_model(training.fitting.model))
    progress = checkpoint.load(folder, model, sharding.shared_out(training.fitting.optimizer))
    checkpoint.load_random(folder, accelerator.process_index, accelerator.num_processes)
    return progress


def _tell(training: Training, event: str, values: dict[str, Any]) -> None:
    if training.fitting.accelerator.is_main_process:
        for hook in training.hooks:
            getattr(hook, event)(dict(values))
