"""`finetune clean`."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.contracts import SPLIT_ROLES, SPLITS
from finetune.errors import DataError, SpecError
from finetune.verbs import findings
from finetune.verbs.arguments import Overrides, RecipeName, open_run, out
from finetune.write import write_lines

if TYPE_CHECKING:
    from finetune.clean.review.marks import Mark
    from finetune.run.context import Run
    from finetune.spec import Recipe

EXAMPLE = "finetune clean sentiment data.files.train=reviews.csv data.columns.text=review"

LISTS = {"labels", "tokens", "tags", "answers"}  # kinds of role whose cells a CSV file cannot hold

Target = Annotated[Path | None, typer.Option(
    "--to", metavar="FOLDER", help="Also write the cleaned rows there, as CSV or, where cells are lists, JSON lines.")]
Sheet = Annotated[Path | None, typer.Option(
    "--apply", metavar="SHEET", help="A review.csv into which you have written verdicts.")]
Deep = Annotated[bool, typer.Option(
    "--deep", help="Also look for wrong labels and rows unlike all others, however long that takes.")]


def verb(recipe: RecipeName, overrides: Overrides = None, *, to: Target = None, apply: Sheet = None,
         deep: Deep = False) -> None:
    """Read and clean the rows only, and show what is wrong with them.

    Leaves a run folder with data/review.csv, in which to judge what was found.
    """
    from finetune.clean import ledger
    from finetune.clean.review.refusals import RefusedError
    from finetune.report import page
    from finetune.run import pipeline, verdicts

    settings = pipeline.asked(recipe, overrides or [])
    if to:
        _check_target(to, settings.task.roles)
    given = _given(apply, settings.clean)
    more = deeper(settings) if deep else []
    made = replace(open_run(recipe, [*(overrides or []), *more], resume=False), shows_findings=True)
    if given:
        verdicts.give(made, given)
    pipeline.announce(made)
    try:
        pipeline.carry_out(made, until="prepare")
    except RefusedError as error:
        findings.doubtful(error.tally)
        raise  # with what fails
    lines = ledger.read(made.folder.path / "data" / "ledger.jsonl")
    findings.show(made.folder.read("data/quality.json"), lines)
    page.write(made.folder.path)
    files = _write(made, to) if to else []
    for name, text in _places(made, len(lines), files).items():
        out.print(f"  {name:8}{text}", markup=False, highlight=False, soft_wrap=True)


def _given(sheet: Path | None, policies: Mapping[str, str]) -> tuple[Mark, ...]:
    """The marks of a sheet, read before anything is made."""
    from finetune.clean.review import judging, marks

    if sheet and policies.get(judging.RULE) == "off":
        raise SpecError(["--apply: clean.verdicts=off says that no verdicts are applied. Leave one of them out."])
    return marks.read(sheet) if sheet else ()


def deeper(settings: Recipe) -> list[str]:
    """The settings with which the rules that need the backbone run; SpecError where none is for the task."""
    from finetune.clean import engine
    from finetune.run import embed

    if not embed.is_for(settings.task):
        raise SpecError([f"--deep: {embed.NOT_FOR}"])
    names, policies = engine.embedding(settings.task.roles), settings.clean
    if off := [f"--deep: asks for {name}, but clean.{name}=off is set. Leave out one of the two."
               for name in names if policies.get(name) == "off"]:
        raise SpecError(off)
    return [f"clean.{name}=report" for name in names if name not in policies]


def _places(run: Run, num_findings: int, files: Sequence[Path]) -> dict[str, str]:
    """Where the files are and what to type next."""
    from finetune.clean.review import sheet
    from finetune.run import pipeline

    data = run.folder.path / "data"
    places = {"report": pipeline.short(run.folder.path / "report.html"),
              "ledger": f"{pipeline.short(data / 'ledger.jsonl')}  one line for each of {num_findings:,} findings"}
    if files:
        places["rows"] = ", ".join(map(str, files))
    if (review := data / sheet.FILE).is_file():
        counts = run.folder.read("data/quality.json")["review"]
        listed = f"the {counts['listed']:,} surest of " if counts["listed"] < counts["findings"] else ""
        number = f"{counts['findings']:,} finding{'s' * (counts['findings'] != 1)}"
        words = "keep, drop or a label" if "label" in run.recipe.task.roles.values() else "keep or drop"
        places["review"] = (f"{pipeline.short(review)}  {listed}{number} to judge: write {words} into the column "
                            "'verdict', then")
        again = ["finetune", "clean", run.name, "--apply", pipeline.short(review),
                 *run.folder.read("recipe.json")["overrides"]]
        places["apply"] = shlex.join(again)
    places["next"] = f"finetune run {run.name} --resume {shlex.quote(pipeline.short(run.folder.path))}"
    return places


def _check_target(folder: Path, roles: Mapping[str, str]) -> None:
    if "image" in roles.values():
        raise SpecError(["--to: writes texts, and these rows are pictures, which cleaning never changes. Leave it out: "
                         "data/split.jsonl of the run folder lists the pictures that stay."])
    if folder.exists():
        raise DataError(f"--to {folder}", "is there already and nothing is overwritten. Name a folder that is not.")
    if not folder.absolute().parent.is_dir():
        raise DataError(f"--to {folder}", f"cannot be made: {folder.absolute().parent} is not a folder. Make it first.")


def _write(run: Run, folder: Path) -> list[Path]:
    """A table for each split, as `data.files` and `data.columns` read it; the folder appears complete or not at all.

    CSV, and JSON lines where cells are lists.
    """
    draft = folder.with_name(f".{folder.name}.draft")
    draft.mkdir(exist_ok=True)
    suffix = ".csv" if LISTS.isdisjoint(run.recipe.task.roles.values()) else ".jsonl"
    columns = _columns(run)
    for split in SPLITS:
        table = run.folder.table(split)
        rows = zip(*(table[column].to_pylist() for column in columns), strict=True)
        file = draft / f"{split}{suffix}"
        if suffix == ".jsonl":
            write_lines(file, (dict(zip(columns.values(), row, strict=True)) for row in rows))
        else:
            with file.open("w", encoding="utf-8", newline="") as opened:
                writer = csv.writer(opened)
                writer.writerow(columns.values())
                writer.writerows(rows)
    draft.rename(folder)
    return [folder / f"{split}{suffix}" for split in SPLITS]


def _columns(run: Run) -> dict[str, str]:
    """The columns that are written and their names: those of the user's file, where one name is that of one column."""
    kinds = {role: kind for role, kind in {**run.recipe.task.roles, **SPLIT_ROLES}.items()
             if role in run.folder.table("train").column_names}
    names = {role: run.recipe.data.columns.get(role, role) for role in kinds}
    several = {role for role, kind in kinds.items() if kind == "labels" and "," in names[role]}
    return {"row": "row"} | {role: role if name.isdecimal() or name == "row" or role in several else name
                             for role, name in names.items()}
