"""What several verbs share: their arguments, where they print, and how a run is opened."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

# Without emoji: `rows.csv:100:` is a place in a file.
out, err = Console(emoji=False), Console(stderr=True, emoji=False)

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="Name, NAME:VARIANT, or a .py file.")]
Overrides = Annotated[list[str] | None, typer.Argument(
    metavar="KEY=VALUE", help="Settings; `finetune show RECIPE` lists all.")]
Resume = Annotated[bool, typer.Option(
    "--resume", help="Go on with the newest unfinished run, or with the run folder given after the recipe.")]
RunPlace = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/sentiment/last.")]


def spelt(value: Any) -> str:
    """A value as an override would write it."""
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value)


def open_run(recipe: str, arguments: list[str], *, resume: bool, console: Console = out) -> Any:
    """A new run, or with --resume an existing one: an argument without `=` is its folder."""
    from finetune.run import pipeline

    if not resume:
        return pipeline.start(recipe, arguments, command=shlex.join(["finetune", *sys.argv[1:]]), console=console)
    places = [Path(text) for text in arguments if "=" not in text]
    return pipeline.go_on(recipe, [text for text in arguments if "=" in text], place=places[0] if places else None,
                          console=console)


def box(lines: dict[str, str]) -> None:
    """The closing words of a run, line by line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines.items():
        table.add_row(name, text)
    out.print(Panel(table, title="done", expand=False))
