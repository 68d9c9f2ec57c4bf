"""`finetune run`."""

from __future__ import annotations

from rich.panel import Panel
from rich.table import Table

from finetune.verbs.arguments import Overrides, RecipeName, Resume, open_run, out

EXAMPLE = "finetune run sentiment data.files.train=reviews.csv data.columns.text=review"


def verb(recipe: RecipeName, overrides: Overrides = None, resume: Resume = False) -> None:
    """All stages: clean, train, evaluate, export, report."""
    from finetune.run import pipeline

    made = open_run(recipe, overrides or [], resume=resume)
    pipeline.carry_out(made)
    _box(pipeline.summary(made))


def _box(lines: dict[str, str]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines.items():
        table.add_row(name, text)
    out.print(Panel(table, title="done", expand=False))
