"""`finetune launch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from finetune import override
from finetune.verbs.arguments import Overrides, RecipeName, Resume, box, open_run, out, spelt

if TYPE_CHECKING:
    from finetune.run.processes import Launch
    from finetune.spec import Recipe

EXAMPLE = "finetune launch sentiment --profile cpu --processes 2"
SHOWN = ("train.batch", "train.micro_batch", "train.precision", "train.threads", "seed", "output_dir")

Profile = Annotated[str | None, typer.Option(
    metavar="NAME", help="ddp (default), fsdp, zero3 or cpu: a configuration file of accelerate.")]
Processes = Annotated[int | None, typer.Option(
    metavar="N", help="How many; by default one per accelerator, or two with the cpu profile.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be started and where each value comes from.")]


def verb(recipe: RecipeName, overrides: Overrides = None, *, profile: Profile = None, processes: Processes = None,
         dry_run: DryRun = False, resume: Resume = False) -> None:
    """All stages, with training in several processes through accelerate."""
    from finetune.run import folder, pipeline
    from finetune.run import processes as launches

    given = overrides or []
    if resume:
        made = open_run(recipe, given, resume=True)
        launch = launches.plan_again(made, profile, processes)
        if dry_run:
            given = made.folder.read("recipe.json")["overrides"]
            return _show(launch, launch.spelt(recipe, str(made.folder.path)), _settings(made.recipe, given))
    else:
        resolved = pipeline.asked(recipe, given)
        launch = launches.plan(profile or launches.USUAL, processes)
        if dry_run:
            place = folder.home(resolved.output_dir, recipe) / "RUN"
            return _show(launch, launch.spelt(recipe, str(place)), _settings(resolved, given))
    launches.check(launch)
    made = made if resume else open_run(recipe, given, resume=False)
    _carry_out(made, launch)
    box(pipeline.summary(made))
    return None


def _carry_out(made: Any, launch: Launch) -> None:
    """Rows in one process, training in many, the rest in one again: the same files as those of `finetune run`."""
    from finetune.run import pipeline
    from finetune.run import processes as launches

    pipeline.announce(made)
    pipeline.foresee(made)
    if made.folder.next_stage == "prepare":
        launches.note(made, launch.profile, launch.processes)
        pipeline.carry_out(made, until="prepare")
    if made.folder.next_stage == "train":
        launches.train(made, launch)
    pipeline.carry_out(made)


Settings = Sequence[tuple[str, Any, str]]  # key, value, where it comes from


def _settings(recipe: Recipe, overrides: Sequence[str]) -> Settings:
    """The settings that decide what every process does."""
    values, origins = override.values(recipe), override.origins(recipe, overrides)
    return [(key, values[key], origins[key]) for key in SHOWN]


def _show(launch: Launch, line: str, settings: Settings) -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("key", "value", "from"):
        table.add_column(title, overflow="fold")
    for key, value, origin in (*launch.origins(), *settings):
        table.add_row(key, spelt(value), origin)
    out.print()
    out.print(table)
    out.print("\nThe rows are prepared before, evaluation, export and report follow after, in one process. "
              "RUN is made with the rows.", soft_wrap=True)
