"""`finetune show`."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from finetune import override
from finetune import recipe as recipes
from finetune.spec import Recipe
from finetune.verbs.arguments import RecipeName, out, spelt

EXAMPLE = "finetune show sentiment train.lr=3e-5"

ENTRY = re.compile(r"\w+ {2,}(?=\S)")


Words = Annotated[list[str] | None, typer.Argument(
    metavar="KEY[=VALUE]", help="Settings, as `finetune run` takes them; a key alone, such as train.loss or train, "
                                "is explained.")]


def verb(recipe: RecipeName, words: Words = None) -> None:
    """A recipe's description and settings, or what single ones mean."""
    from finetune.run.pipeline import open_keys, resolve

    overrides = [word for word in words or [] if "=" in word]
    resolved = resolve(recipe, overrides)
    if len(overrides) < len(words or []):
        _explain(resolved, [word for word in words or [] if "=" not in word])
        return
    origins = override.origins(resolved, overrides)
    stem = recipe.partition(":")[0]
    _describe(recipes.docstring(Path(stem) if stem.endswith(".py") else recipes.available()[stem]))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("key", "value", "from"):
        table.add_column(title)
    styles = {"command line": "bold", "recipe": None, "default": "dim"}
    for key, value in sorted((open_keys(resolved) | override.values(resolved)).items()):
        origin = origins.get(key, "default")
        table.add_row(key, spelt(value), origin, style=styles[origin])
    out.print()
    out.print(table)


def _explain(resolved: Recipe, asked: list[str]) -> None:
    """What the keys mean and may be, one paragraph each."""
    values = override.values(resolved)
    for key in sorted({key for word in asked for key in override.find(resolved, word)}):
        sentence, allowed = override.meaning(resolved, key)
        value = f" = {spelt(values[key])}" if key in values else ""
        out.print(f"{key}{value}", markup=False, highlight=False, style="bold")
        for text in (sentence, f"Allowed: {allowed}." if allowed else ""):
            shown = textwrap.fill(text, out.width, initial_indent="  ", subsequent_indent="  ")
            if text:
                out.print(shown, markup=False, highlight=False, soft_wrap=True)


def _describe(text: str) -> None:
    """A docstring whose entries (Expect, Costs, Run) keep their column however narrow the terminal is."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and ENTRY.match(lines[-1]) and line.startswith("  "):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    for line in lines:
        entry = ENTRY.match(line)
        shown = textwrap.fill(line, out.width, subsequent_indent=" " * (entry.end() if entry else 0),
                              break_long_words=False, break_on_hyphens=False)
        out.print(shown, markup=False, highlight=False, soft_wrap=True)
