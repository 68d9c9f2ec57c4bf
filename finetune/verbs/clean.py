"""`finetune clean`."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.contracts import SPLIT_ROLES, SPLITS
from finetune.errors import DataError, SpecError
from finetune.verbs import findings
from finetune.verbs.arguments import Overrides, RecipeName, open_run, out

if TYPE_CHECKING:
    from finetune.clean.review.marks import Mark
    from finetune.run.context import Run

EXAMPLE = "finetune clean sentiment data.files.train=reviews.csv data.columns.text=review"

Target = Annotated[Path | None, typer.Option(
    "--to", metavar="FOLDER", help="Also write the cleaned rows there, as CSV files.")]
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
    deeper = _deeper(settings.clean) if deep else []
    made = replace(open_run(recipe, [*(overrides or []), *deeper], resume=False), shows_findings=True)
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
    if to:
        _write(made, to)
    for name, text in _places(made, len(lines), to).items():
        out.print(f"  {name:8}{text}", markup=False, highlight=False, soft_wrap=True)


def _given(sheet: Path | None, policies: Mapping[str, str]) -> tuple[Mark, ...]:
    """The marks of a sheet, read before anything is made."""
    from finetune.clean.review import judging, marks

    if sheet and policies.get(judging.RULE) == "off":
        raise SpecError(["--apply: clean.verdicts=off says that no verdicts are applied. Leave one of them out."])
    return marks.read(sheet) if sheet else ()


def _deeper(policies: Mapping[str, str]) -> list[str]:
    """What to set so that the rules that need the backbone run."""
    from finetune.clean import engine

    names = engine.embedding()
    if off := [f"--deep: asks for {name}, but clean.{name}=off is set. Leave out one of the two."
               for name in names if policies.get(name) == "off"]:
        raise SpecError(off)
    return [f"clean.{name}=report" for name in names if name not in policies]


def _places(run: Run, num_findings: int, to: Path | None) -> dict[str, str]:
    """Where things lie and what to type next."""
    from finetune.clean.review import sheet
    from finetune.run import pipeline

    data = run.folder.path / "data"
    places = {"report": pipeline.short(run.folder.path / "report.html"),
              "ledger": f"{pipeline.short(data / 'ledger.jsonl')}  one line for each of {num_findings:,} findings"}
    if to:
        places["rows"] = ", ".join(str(to / f"{split}.csv") for split in SPLITS)
    if (review := data / sheet.FILE).is_file():
        counts = run.folder.read("data/quality.json")["review"]
        listed = f"the {counts['listed']:,} surest of " if counts["listed"] < counts["findings"] else ""
        number = f"{counts['findings']:,} finding{'s' * (counts['findings'] != 1)}"
        places["review"] = (f"{pipeline.short(review)}  {listed}{number} to judge: write keep, drop or a label into "
                            "the column 'verdict', then")
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


def _write(run: Run, folder: Path) -> None:
    """One CSV per split under the column names of the user's own file; the folder appears complete or not at all."""
    draft = folder.with_name(f".{folder.name}.draft")
    draft.mkdir(exist_ok=True)
    roles = [role for role in (*run.recipe.task.roles, *SPLIT_ROLES) if role in run.folder.table("train").column_names]
    columns = {"row": "row"} | {role: run.recipe.data.columns.get(role, role) for role in roles}
    for split in SPLITS:
        table = run.folder.table(split)
        with (draft / f"{split}.csv").open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(columns.values())
            writer.writerows(zip(*(table[role].to_pylist() for role in columns), strict=True))
    draft.rename(folder)
