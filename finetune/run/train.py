"""Stage 2: the backbone, fitted to the training rows; on any number of processes."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from finetune import machine, saved
from finetune.backbones import freeze, resolve
from finetune.errors import TrainingError, some
from finetune.run import adapter, preprocessing, seen
from finetune.train import checkpoint, loop, objective, optim, probe, sharding
from finetune.train.feed import Feed
from finetune.train.hooks import ConsoleLines, LogFile
from finetune.train.interrupt import Interrupt
from finetune.train.progress import Plan, Progress
from finetune.train.step import Fitting
from finetune.train.tensorboard import TensorBoard, installed
from finetune.write import os_errors

if TYPE_CHECKING:
    from finetune.contracts import Array, Hook, Loaded, Task
    from finetune.data.examples import Examples
    from finetune.run.context import Run

MAX_BINS = 30  # of lengths


def train(run: Run) -> None:
    """Fit and save; writes `train.json`, `checkpoints/`, `log.jsonl`, `tensorboard/` and `model/`."""
    accelerator = Accelerator(cpu=not run.has_accelerator())
    _same_number(run, accelerator.num_processes)
    set_seed(run.recipe.seed)
    task = preprocessing.fit_to_rows(run, run.task(), sample=_source(run) == "sample")
    if accelerator.is_fsdp2 and task.head.decoding:
        raise TrainingError("--profile", "a model that writes texts cannot be sharded: processes would wait for each "
                                         "other where their texts differ in length. Use another profile.")
    loaded = _narrowed(run, resolve.load(run.recipe.model, task.head, sample=_source(run) == "sample",
                                           texts=_texts(run, task)))
    examples = {split: run.examples(split, task, loaded.processor) for split in ("train", "validation")}
    lengths = examples["train"].lengths()
    examples["validation"].lengths()
    with Interrupt() as interrupt:
        choice = _choose(run, loaded, examples["train"], lengths=lengths, accelerator=accelerator)
        # A sharded model cannot be put together in place: the main process keeps a whole one, to be saved at the end.
        kept = copy.deepcopy(loaded) if accelerator.is_fsdp2 and accelerator.is_main_process else loaded
        fitting = _fitting(run, loaded, examples["train"], accelerator=accelerator, choice=choice)
        training = _training(run, fitting, examples, lengths=lengths, interrupt=interrupt)
        progress = _resume(run, training)
        loop.fit(training, progress)
    if accelerator.is_main_process:
        _save(run, training, kept, task=task, progress=progress)
    accelerator.wait_for_everyone()


def _source(run: Run) -> str:
    return str(run.folder.read("data/source.json")["source"])


def _texts(run: Run, task: Task) -> Iterator[str]:
    """All texts of the training rows, for a tokenizer that has to be learnt."""
    table = run.folder.table("train")
    for role, kind in task.roles.items():
        if kind == "text":
            yield from table[role].to_pylist()


def _narrowed(run: Run, loaded: Loaded) -> Loaded:
    """The backbone with adapters, or with its lower part frozen, where the recipe asks for it."""
    settings = run.recipe.train
    if settings.adapter is not None:
        from finetune.backbones import adapters

        return adapters.attach(loaded, settings.adapter)
    return loaded if settings.freeze == "none" else freeze.freeze(loaded, settings.freeze)


def _choose(run: Run, loaded: Loaded, examples: Examples, *, lengths: Any, accelerator: Accelerator) -> probe.Choice:
    """Threads and precision: as the interrupted run had them, else by probing; the same on every process."""
    settings, processes = run.recipe.train, accelerator.num_processes
    file = run.folder.path / "train.json"
    if accelerator.is_main_process and not file.is_file():
        typical = np.argsort(lengths, kind="stable")[len(lengths) // 2 :][: run.micro_batch(processes)]
        batch = examples.task.collate([examples[int(i)] for i in typical], loaded.processor)
        choice = probe.choose(loaded.model, examples.task, batch, train=settings, device=accelerator.device,
                              processes=processes)
        run.folder.write("train.json", {"choice": asdict(choice), "backbone": _backbone(loaded),
                                        "preprocessing": preprocessing.values(run, loaded, examples.task)})
    accelerator.wait_for_everyone()
    choice = probe.Choice(**run.folder.read("train.json")["choice"])
    torch.set_num_threads(choice.threads)
    if accelerator.is_main_process:
        _announce(run, loaded, choice, processes=processes)
        for line in preprocessing.unknown(examples):
            run.say(line)
    return choice


def _same_number(run: Run, processes: int) -> None:
    """A run goes on with as many processes as it was started with: dropout and rounding depend on them."""
    before = run.launched()["processes"]
    if before != processes:
        raise TrainingError(str(run.folder.path), f"was started with {before} process(es) and cannot be resumed "
                                                  f"exactly with {processes}. Start as many as then.")


def _announce(run: Run, loaded: Loaded, choice: probe.Choice, *, processes: int) -> None:
    run.say(f"backbone: {loaded.name} ({loaded.num_weights / 1e6:.1f} M weights) from {loaded.source}")
    if loaded.note:
        run.say(loaded.note)
    for line in preprocessing.said(run.folder.read("train.json").get("preprocessing") or {}):
        run.say(line)
    run.say(f"precision {choice.precision}: {choice.precision_reason}")
    run.say(f"threads {choice.threads}: {choice.threads_reason}")
    batch, micro = run.recipe.train.batch, run.micro_batch(processes)
    run.say(f"batch {batch} = micro-batches of {micro} on {processes} process(es), accumulated "
            f"{-(-batch // (micro * processes))} time(s)")
    norms = [part for part in loaded.model.modules() if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)]
    if any(weight.requires_grad for norm in norms for weight in norm.parameters()):
        run.say(f"this backbone has batch norm: its statistics are those of {micro} rows, so train.micro_batch and the "
                "number of processes change the result")


def _backbone(loaded: Loaded) -> dict[str, Any]:
    return {"name": loaded.name, "source": loaded.source, "revision": loaded.revision, "license": loaded.license,
            "note": loaded.note, "num_weights": loaded.num_weights, "num_trained": loaded.num_trained}


def _fitting(run: Run, loaded: Loaded, examples: Examples, *, accelerator: Accelerator,
             choice: probe.Choice) -> Fitting:
    settings = run.recipe.train
    model, optimizer = sharding.prepare(accelerator, loaded.model, optim.optimizer(loaded.model, settings))
    set_seed(run.recipe.seed + accelerator.process_index)
    has_labels = examples.task.roles[examples.task.target] == "label"
    goal = objective.of(settings, examples.task, examples.targets() if has_labels else None)
    if isinstance(goal, objective.Weighed) and settings.class_weights != "none" and accelerator.is_main_process:
        names = examples.task.head.labels
        weights = [f"{label} {weight:.3g}" for label, weight in zip(names, goal.weights, strict=True)]
        run.say(f"a row counts by its label: {some(weights, limit=8)}")
    return Fitting(model, optimizer, accelerator, goal, settings.clip, choice.precision)


def _training(run: Run, fitting: Fitting, examples: dict[str, Examples], *, lengths: Any,
              interrupt: Interrupt) -> loop.Training:
    settings, accelerator = run.recipe.train, fitting.accelerator
    feed = Feed(examples["train"], lengths, settings.batch, run.micro_batch(accelerator.num_processes),
                run.recipe.seed, accelerator.process_index, accelerator.num_processes,
                examples["train"].targets() if settings.sampler == "balanced" else None)
    return loop.Training(
        fitting=fitting, feed=feed, validation=examples["validation"],
        plan=Plan.of(settings, len(examples["train"])), train=settings,
        checkpoints=run.folder.path / "checkpoints",
        hooks=_hooks(run),
        interrupted=lambda: interrupt.requested,
    )


def _hooks(run: Run) -> tuple[Hook, ...]:
    """Everything that looks on; event files are left out, and it is said, where TensorBoard is not installed."""
    files: tuple[Hook, ...] = (LogFile(run.folder.path / "log.jsonl"),)
    if installed():
        files = (*files, TensorBoard(run.folder.path / "tensorboard"))
    else:
        run.say("no TensorBoard files are written: it is not installed (pip install tensorboard)")
    return (*files, ConsoleLines(run.console))


def _resume(run: Run, training: loop.Training) -> Progress:
    found = checkpoint.newest(training.checkpoints, run.say)
    if found is None:
        return Progress()
    progress = loop.resume(training, found)
    run.say(f"resumed after step {progress.step:,} of {training.plan.num_steps:,}")
    return progress


def _save(run: Run, training: loop.Training, loaded: Loaded, *, task: Task, progress: Progress) -> None:
    """The best weights as a folder for from_pretrained; written aside and renamed."""
    model = loaded.model
    checkpoint.load_weights(training.checkpoints / f"step-{progress.best_step:08d}", model)
    summary = run.folder.read("train.json")
    summary["train"] = _summary(training, progress)
    if run.recipe.train.adapter is not None:
        some = [training.validation[i] for i in range(min(32, len(training.validation)))]
        model, summary["train"]["merge_difference"] = adapter.keep_and_merge(
            run, model, task.collate(some, loaded.processor))
    draft, final = run.folder.path / ".model.draft", run.folder.path / "model"
    shutil.rmtree(draft, ignore_errors=True)
    with os_errors(draft):
        model.save_pretrained(draft)
        if loaded.native is not None:
            loaded.native.save_pretrained(draft)
    saved.write(draft, task, loaded.processor, family=run.recipe.model.family)
    run.folder.write("train.json", summary)
    _note_lengths(run, training.feed.examples, training.feed.lengths)
    run.folder.write("data/augmented.json", seen.seen(training.feed.examples, seed=run.recipe.seed,
                                                      epochs=summary["train"]["epochs"]))
    shutil.rmtree(final, ignore_errors=True)
    Path(draft).rename(final)
    run.say(f"best validation {task.primary} {progress.best_score:.4f} at step {progress.best_step:,}; "
            f"{progress.step:,} steps in {progress.seconds:.0f} s")


def _summary(training: loop.Training, progress: Progress) -> dict[str, Any]:
    return {
        "steps": progress.step, "epochs": progress.step / training.plan.steps_per_epoch,
        "best_step": progress.best_step, "best_score": progress.best_score, "stopped": progress.stopped,
        "seconds": progress.seconds,
        "rows_per_second": training.plan.rows_until(progress.step, training.train.batch) / progress.seconds,
        "processes": training.fitting.accelerator.num_processes,
        "device": str(training.fitting.accelerator.device), "cores": machine.cores(),
    }


def _note_lengths(run: Run, examples: Examples, lengths: Any) -> None:
    """How long the texts are and what the cut costs, added to `data/quality.json`."""
    if "image" in examples.task.roles.values():
        return
    full = np.asarray([examples[i].get("full_length", lengths[i]) for i in range(len(examples))])
    num_windows = np.asarray([len(examples[i].get("windows", ())) for i in range(len(examples))])
    longest = min(getattr(examples.task, "max_tokens", int(full.max())), examples.processor.max_tokens)
    edges = _edges(full, cut=longest)
    counts, _ = np.histogram(full, bins=edges)
    quality = run.folder.read("data/quality.json")
    beyond = np.where(num_windows, 0, np.maximum(full - longest, 0))  # of texts in windows nothing is lost
    quality["lengths"] = {"unit": "tokens", "max": longest, "longest": int(full.max()),
                          "truncated": int((beyond > 0).sum()),
                          "cut_share": float(beyond.sum() / max(int(full.sum()), 1)),
                          "edges": [float(edge) for edge in edges], "counts": [int(count) for count in counts]}
    run.folder.write("data/quality.json", quality)
    if (num_windows > 1).any():
        run.say(f"{int((num_windows > 1).sum()):,} of {len(lengths):,} training texts are read in several windows of "
                f"{longest} tokens")
    cut = quality["lengths"]["truncated"]
    if cut:
        run.say(f"{cut:,} of {len(lengths):,} training texts were cut at {longest} tokens (task.max_tokens); "
                f"{quality['lengths']['cut_share']:.1%} of all tokens are lost")
    if examples.task.head.decoding is not None:
        _note_cut_targets(run, examples, examples.task.head.decoding.max_tokens)


def _edges(lengths: Array, *, cut: int) -> Array:
    """Those of about 30 equal bins at most, between whole numbers; one of them parts what is cut from what is not."""
    low, high = int(lengths.min()), int(lengths.max())
    width = -(-(high - low + 1) // MAX_BINS)
    first = cut + 1 - -(-(cut + 1 - low) // width) * width
    return np.arange(first, high + width + 1, width) - 0.5


def _note_cut_targets(run: Run, examples: Examples, most: int) -> None:
    cut = sum(examples[i]["full_target_length"] > most for i in range(len(examples)))
    quality = run.folder.read("data/quality.json")
    run.folder.write("data/quality.json", quality | {"targets": {"unit": "tokens", "max": most, "truncated": cut}})
    if cut:
        run.say(f"{cut:,} of {len(examples):,} summaries to learn from were cut at {most} tokens "
                "(task.max_summary_tokens)")
