"""`finetune list`."""

from __future__ import annotations

from rich.table import Table

from finetune import recipe as recipes
from finetune.verbs.arguments import out

EXAMPLE = "finetune list"


def verb() -> None:
    """The recipes and what each is for."""
    table = Table(box=None, pad_edge=False)
    table.add_column("recipe", style="bold")
    table.add_column("what it does")
    for name, file in recipes.available().items():
        table.add_row(name, recipes.docstring(file).partition("\n")[0])
        for variant, sentence in recipes.variants(file).items():
            table.add_row(f"{name}:{variant}", sentence)
    out.print(table)
    out.print("\n[dim]finetune show RECIPE  its settings\nfinetune run RECIPE   all of it, from rows to a checked "
              "model[/dim]", highlight=False)
