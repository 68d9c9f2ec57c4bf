"""`finetune show`."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from finetune import override
from finetune import recipe as recipes
from finetune.verbs.arguments import Overrides, RecipeName, out, spelt

EXAMPLE = "finetune show sentiment train.lr=3e-5"


def verb(recipe: RecipeName, overrides: Overrides = None) -> None:
    """A recipe's description and every setting, with yours marked."""
    from finetune.run.pipeline import open_keys, resolve

    resolved = resolve(recipe, overrides or [])
    origins = override.origins(resolved, overrides or [])
    stem = recipe.partition(":")[0]
    out.print(recipes.docstring(Path(stem) if stem.endswith(".py") else recipes.available()[stem]), markup=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("key", "value", "from"):
        table.add_column(title)
    styles = {"command line": "bold", "recipe": None, "default": "dim"}
    for key, value in sorted((open_keys(resolved) | override.values(resolved)).items()):
        origin = origins.get(key, "default")
        table.add_row(key, spelt(value), origin, style=styles[origin])
    out.print()
    out.print(table)
