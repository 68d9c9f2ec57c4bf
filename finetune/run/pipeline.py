"""A run from its first unfinished stage to the summary."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import checks, override, redact, spec
from finetune import recipe as recipes
from finetune.errors import FinetuneError, Interrupted, SpecError
from finetune.run import folder as folders
from finetune.run.context import Run
from finetune.train.interrupt import Interrupt
from finetune.write import is_full

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from finetune.contracts import Task

TITLES = {"prepare": "rows", "train": "training", "evaluate": "evaluation", "export": "export", "report": "report"}


def resolve(name: str, overrides: Sequence[str]) -> spec.Recipe:
    """The recipe with its overrides, checked as a whole; every problem in one SpecError."""
    found = override.apply(recipes.load(name), overrides)
    if any(text.startswith("model.name=") for text in overrides):
        # The stand-ins belong to the recipe's own backbone: whoever names another one wants that one.
        found = replace(found, model=replace(found.model, offline=None, sample=None, sample_size=None))
    problems = _secrets(name, found) or checks.problems(found) + _problems(found)
    if problems:
        raise SpecError(problems)
    return found


def asked(name: str, overrides: Sequence[str]) -> spec.Recipe:
    """The recipe of a new run: `resolve`, and whether the files it names are there; all that are not in one SpecError.

    A run that has its rows needs them no more.
    """
    from finetune.data import sources

    found = resolve(name, overrides)
    if absent := sources.absent(found.data):
        raise SpecError(absent)
    return found


def _problems(found: spec.Recipe) -> list[str]:
    """What only the rooms themselves can know to be wrong."""
    from finetune.backbones import resolve as backbones
    from finetune.clean import engine
    from finetune.data import sources

    own: list[str] = getattr(found.task, "problems", list)()
    return [*own, *engine.problems(found.clean), *sources.problems(found.data, found.task.roles),
            *backbones.problems(found.model)]


def _secrets(name: str, found: spec.Recipe) -> list[str]:
    """The settings that hold a secret: they are kept in recipe.json and read again by a resumed run."""
    kinds = {key: finding.kind for key, value in {"recipe": name, **override.values(found)}.items()
             for finding in redact.find(str(value))}
    return [f"{key}: holds what looks like {kind}, and settings are kept in the run's recipe.json, where no secret may "
            "stand. Take it out: the Hub's token belongs into HF_TOKEN, and rows behind a password into a local file."
            for key, kind in kinds.items()]


def open_keys(found: spec.Recipe) -> dict[str, str]:
    """What the keys stand at that a recipe need not name: one column per role, one policy per cleaning rule."""
    from finetune.clean import engine, leakage
    from finetune.clean.review import judging, verdicts

    policies = {name: rule.default for name, rule in engine.rules().items()}
    policies |= {"leakage": leakage.default, judging.RULE: verdicts.default}
    return ({f"data.columns.{role}": role for role in found.task.roles}
            | {f"clean.{rule}": policy for rule, policy in policies.items()})


def start(name: str, overrides: Sequence[str], *, command: str, console: Console) -> Run:
    """A new run."""
    recipe = asked(name, overrides)
    return Run(name, recipe, folders.create(recipe, name, overrides=overrides, command=command), console)


def go_on(name: str, overrides: Sequence[str], *, place: Path | None, console: Console) -> Run:
    """An existing run with the settings it was started with."""
    if overrides:
        raise SpecError([f"--resume: a resumed run keeps its settings, but {', '.join(overrides)} was given. "
                         "Leave it out, or start a new run without --resume."])
    folder = folders.open_run(place) if place else folders.newest_unfinished(recipes.load(name).output_dir, name)
    return reopen(folder, console)


def reopen(folder: folders.RunFolder, console: Console) -> Run:
    """The run that a folder holds; refuses when its recipe has changed since."""
    kept = folder.read("recipe.json")
    recipe = resolve(kept["recipe"], kept["overrides"])
    now = override.values(recipe)
    changed = sorted(key for key, entry in kept["values"].items() if now.get(key, entry["value"]) != entry["value"])
    if changed:
        raise SpecError([f"{folder.path}: the recipe has changed since this run was started ({', '.join(changed)}). "
                         "Undo the change, or start a new run."])
    return Run(kept["recipe"], recipe, folder, console)


def foresee(run: Run, *, exports: bool = True) -> None:
    """Refuse, before anything is read and learnt, a backbone that cannot do the task or be exported in the end.

    Raises BackboneError or SpecError; nothing is left of a run that had not begun.
    """
    if run.folder.next_stage not in ("prepare", "train"):
        return
    from finetune.backbones import resolve as backbones
    from finetune.data import sources
    from finetune.export import line

    model, task = run.recipe.model, run.recipe.task
    kind = type(task).__module__.rpartition(".")[2].replace("_", " ")
    with _resumable(run):
        config = backbones.configuration(model, sample=sources.choose(run.recipe.data)[0] == "sample")
        backbones.refuse_unsuited(model, config, task.head, task=kind)
        if exports and (reason := line.installed().refuses(config, task.onnx_task)):
            raise SpecError([f"model.name: {model.name} {reason}, or train without an export: finetune train "
                             f"{run.name}."])


def carry_out(run: Run, *, until: str = "report") -> None:
    """Every stage that has not finished, up to `until`; a failure keeps the folder and says how to go on."""
    with _resumable(run), Interrupt(at_once=True) as interrupt:
        while (stage := run.folder.next_stage) is not None and not folders.is_later(stage, until):
            started = time.perf_counter()
            run.console.print(f"[bold]{TITLES[stage]}[/bold]")
            carry_out_stage(run, stage)
            if interrupt.requested:
                raise KeyboardInterrupt
            run.console.print(f"  [dim]{time.perf_counter() - started:.1f} s[/dim]", highlight=False)
    if run.folder.next_stage is None:
        folders.finish(run.folder)


def export_again(run: Run, *, again: str) -> None:
    """The export and the report of a trained run, anew; whatever ends it early also prints the command `again`.

    `last` points to the run afterwards where it was unfinished, and stays where it is otherwise.
    """
    unfinished = run.folder.next_stage is not None
    with _stoppable(run, again=again), Interrupt(at_once=True) as interrupt:
        for stage in ("export", "report"):
            carry_out_stage(run, stage)
            if interrupt.requested:
                raise KeyboardInterrupt
    if unfinished:
        folders.finish(run.folder)


def announce(run: Run) -> None:
    """The first line of what a run says: its name and folder."""
    from rich.markup import escape

    run.console.print(f"[bold]{escape(run.name)}[/bold]  {escape(str(run.folder.path))}", highlight=False,
                      soft_wrap=True)


def carry_out_stage(run: Run, stage: str) -> None:
    """One stage; its module is imported only now, since most of them load torch."""
    getattr(importlib.import_module(f"finetune.run.{stage}"), stage)(run)


@contextmanager
def _resumable(run: Run) -> Iterator[None]:
    """Whatever ends a run early also prints the command that resumes it."""
    with _stoppable(run, again=run.again()):
        try:
            yield
        except (FinetuneError, ModuleNotFoundError) as error:
            if run.folder.next_stage == "prepare" and not isinstance(error, Interrupted):
                folders.discard(run.folder)  # nothing was done yet, and what is to be mended may be a setting
            else:
                error.add_note(f"The run is kept. Go on with: {run.again()}")
            raise


@contextmanager
def _stoppable(run: Run, *, again: str) -> Iterator[None]:
    """Ctrl-C and a full disk are told with the command `again`, which goes on."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("run", f"stopped. What was complete is kept. Go on with: {again}") from None
    except OSError as error:
        if not is_full(error):
            raise
        raise _no_space(run, error, again=again) from error


def _no_space(run: Run, error: OSError, *, again: str) -> FinetuneError:
    """What a full disk means for a run."""
    place = f"writing {error.filename}" if error.filename else "while writing"
    return FinetuneError(str(run.folder.path), f"no space is left on the disk ({place}). What was complete is kept. "
                                               f"Free some space; go on with: {again}")


def summary(run: Run) -> dict[str, Any]:
    """What the box at the end says: line by line, name and text."""
    metrics, report = run.folder.read("metrics.json"), run.folder.read("onnx/report.json")
    primary, test = metrics["primary"], metrics["splits"]["test"]
    head = test[primary]
    lines = {"score": f"{primary} {head['value']:.3f} on {test['rows']:,} test rows "
                      f"(95% {head['low']:.3f} to {head['high']:.3f})"}
    if metrics["baselines"]:
        name, entry = max(metrics["baselines"].items(), key=lambda item: item[1][primary]["value"])
        gain = entry["gain"]
        beaten = "beaten" if gain["low"] > 0 else "not beaten"
        lines["baseline"] = (f"{name.replace('_', ' ')} {entry[primary]['value']:.3f}: {beaten}, "
                             f"gain {gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})")
    exported = [f"{item['name']} {item['verdict']} ({item['size_mib']:.0f} MiB, {item['speedup']:.1f}x)"
                for item in report["artifacts"] if item["name"] != "pytorch"]
    lines["export"] = ", ".join(exported)
    lines["run"] = short(run.folder.path)
    lines["report"] = f"{short(run.folder.path)}/report.html"
    lines["curves"] = f"tensorboard --logdir {short(run.folder.path.parent)}"
    lines["next"] = f"finetune predict {short(run.folder.path.parent)}/last {_asked(run.recipe.task)}"
    return lines


def _asked(task: Task) -> str:
    """What a user gives to `finetune predict`."""
    roles = [role for role in task.roles if role != task.target]
    if "image" in roles:
        return "PICTURE.png"
    return '"your text"' if len(roles) == 1 else " ".join(f'"{role}"' for role in roles)


def short(path: Path) -> str:
    """A path as a user would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
