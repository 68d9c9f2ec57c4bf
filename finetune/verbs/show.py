"""`finetune show`."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from rich.table import Table

from finetune import override
from finetune import recipe as recipes
from finetune.verbs.arguments import Overrides, RecipeName, out, spelt

EXAMPLE = "finetune show sentiment train.lr=3e-5"

ENTRY = re.compile(r"\w+ {2,}(?=\S)")


def verb(recipe: RecipeName, overrides: Overrides = None) -> None:
    """A recipe's description and every setting, with yours marked."""
    from finetune.run.pipeline import open_keys, resolve

    resolved = resolve(recipe, overrides or [])
    origins = override.origins(resolved, overrides or [])
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
