"""`finetune clean`."""

from __future__ import annotations

import csv
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from finetune.errors import DataError, SpecError
from finetune.verbs.arguments import Overrides, RecipeName, open_run, out

if TYPE_CHECKING:
    from finetune.clean.ledger import LedgerLine
    from finetune.run.context import Run

EXAMPLE = "finetune clean sentiment data.files.train=reviews.csv data.columns.text=review"

NUM_EXAMPLES = 3  # per rule
NUM_LABELS = 10
SPLITS = ("train", "validation", "test")

Target = Annotated[Path | None, typer.Option(
    "--to", metavar="FOLDER", help="Also write the cleaned rows there as train.csv, validation.csv and test.csv.")]

Deep = Annotated[bool, typer.Option(
    "--deep", help="Also look for wrong labels and rows unlike all others, however long seeing all rows through the "
                   "backbone takes; by default only where that costs little beside training.")]


def verb(recipe: RecipeName, overrides: Overrides = None, *, to: Target = None, deep: Deep = False) -> None:
    """Read and clean the rows only, and show what is wrong with them.

    Leaves a run folder that `finetune run RECIPE --resume RUN` continues.
    """
    from finetune.clean import ledger
    from finetune.run import pipeline

    if to:
        _check_target(to, pipeline.resolve(recipe, overrides or []).task.roles)
    settings = [*(overrides or []), *(_deeper(pipeline.resolve(recipe, overrides or []).clean) if deep else [])]
    made = open_run(recipe, settings, resume=False)
    pipeline.carry_out(made, until="prepare")
    quality, file = made.folder.read("data/quality.json"), made.folder.path / "data" / "ledger.jsonl"
    lines = ledger.read(file)
    _section("what was found", _counts(quality))
    if lines:
        out.print(f"[bold]up to {NUM_EXAMPLES} examples of each[/bold]")
        for text in _examples(lines, out.width):
            out.print(text, markup=False, highlight=False, soft_wrap=True)
    _section("training rows by label", _labels(quality))
    places = {"ledger": f"{pipeline.short(file)}  one line for each of {len(lines):,} findings"}
    if to:
        _write(made, to)
        places["rows"] = ", ".join(str(to / f"{split}.csv") for split in SPLITS)
    places["next"] = f"finetune run {made.name} --resume {shlex.quote(pipeline.short(made.folder.path))}"
    for name, text in places.items():
        out.print(f"  {name:8}{text}", markup=False, highlight=False, soft_wrap=True)


def _deeper(policies: Mapping[str, str]) -> list[str]:
    """What to set so that the rules that need the backbone run."""
    from finetune.clean import engine

    names = engine.embedding()
    if off := [f"--deep: asks for {name}, but clean.{name}=off is set. Leave out one of the two."
               for name in names if policies.get(name) == "off"]:
        raise SpecError(off)
    return [f"clean.{name}=report" for name in names if name not in policies]


def _section(title: str, table: Table) -> None:
    out.print(f"[bold]{title}[/bold]")
    out.print(Padding(table, (0, 0, 0, 2), expand=False))


def _counts(quality: Mapping[str, Any]) -> Table:
    """One line per rule, one column per split."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("rule")
    table.add_column("policy")
    for split in SPLITS:
        table.add_column(f"{split} ({quality['rows'][split]['before']:,})", justify="right")
    for rule, entry in [*quality["rules"].items(), ("leakage", quality["leakage"])]:
        if entry["policy"] != "off" and not entry["splits"]:
            continue  # nothing in this task for it to read
        cells = [_cell(entry["splits"].get(split, {})) for split in SPLITS]
        table.add_row(rule, entry["policy"], *cells, style=None if any(cell != "-" for cell in cells) else "dim")
    return table


def _cell(counts: Mapping[str, int]) -> str:
    done = [f"{counts[action]:,} {action}" for action in ("changed", "dropped", "reported") if counts.get(action)]
    return ", ".join(done) or "-"


def _examples(lines: Sequence[LedgerLine], width: int) -> Iterator[str]:
    """The first findings of every rule: where, why, and the text before and after, each line cut to the width."""
    seen: Counter[str] = Counter()
    for line in lines:
        seen[line.rule] += 1
        if seen[line.rule] == 1:
            yield f"  {line.rule}"
        if seen[line.rule] <= NUM_EXAMPLES:
            yield _cut(f"    {line.row}: {line.reason}", width)
            yield from _before_and_after(line, width - 8)


def _before_and_after(line: LedgerLine, width: int) -> list[str]:
    if line.before is None:
        return []
    if line.after is None:
        return [f"        {quoted(line.before, start=0, width=width)}"]
    pairs = zip(line.before, line.after, strict=False)
    same = next((i for i, (old, new) in enumerate(pairs) if old != new), min(len(line.before), len(line.after)))
    start = max(0, same - width // 3)
    return [f"      {mark} {quoted(text, start=start, width=width)}"
            for mark, text in (("-", line.before), ("+", line.after))]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def quoted(text: str, *, start: int, width: int) -> str:
    """A text in quotes from `start` on, cut to `width` characters, with what cannot be seen spelt out."""
    seen = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode()
                   for mark in text[start : start + width])
    head = "..." if start else ""
    room = width - len(head) - 2
    whole = len(seen) <= room and start + width >= len(text)
    return f'{head}"{seen}"' if whole else f'{head}"{seen[: room - 3]}"...'


def _labels(quality: Mapping[str, Any]) -> Table:
    """Rows per label before and after, so that a lopsided set is seen before it is trained on."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("label", overflow="ellipsis", no_wrap=True, max_width=30)
    for title in ("before", "after", "share"):
        table.add_column(title, justify="right")
    classes, total = quality["classes"]["train"], quality["rows"]["train"]["after"]
    ranked = sorted(classes.items(), key=lambda item: -item[1]["after"])
    for label, rows in ranked[:NUM_LABELS]:
        table.add_row(Text(label), f"{rows['before']:,}", f"{rows['after']:,}", f"{rows['after'] / total:.1%}")
    rest = [rows for _, rows in ranked[NUM_LABELS:]]
    if rest:
        before, after = (sum(rows[when] for rows in rest) for when in ("before", "after"))
        table.add_row(f"{len(rest)} more labels", f"{before:,}", f"{after:,}", f"{after / total:.1%}", style="dim")
    return table


def _check_target(folder: Path, roles: Mapping[str, str]) -> None:
    if "image" in roles.values():
        raise SpecError(["--to: writes texts, and these rows are pictures, which cleaning never changes. Leave it out: "
                         "data/split.jsonl of the run folder lists the pictures that stay."])
    if folder.exists():
        raise DataError(f"--to {folder}", "is there already and nothing is overwritten. Name a folder that is not.")
    if not folder.absolute().parent.is_dir():
        raise DataError(f"--to {folder}", f"cannot be made: {folder.absolute().parent} is no folder. Make it first.")


def _write(run: Run, folder: Path) -> None:
    """One CSV per split under the column names of the user's own file; the folder appears complete or not at all."""
    draft = folder.with_name(f".{folder.name}.draft")
    draft.mkdir(exist_ok=True)
    columns = {"row": "row"} | {role: run.recipe.data.columns.get(role, role) for role in run.recipe.task.roles}
    for split in SPLITS:
        table = run.folder.table(split)
        with (draft / f"{split}.csv").open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(columns.values())
            writer.writerows(zip(*(table[role].to_pylist() for role in columns), strict=True))
    draft.rename(folder)
