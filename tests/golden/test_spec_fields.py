"""Every key that a user can set, in one list: a new option is a decision, and a lost one breaks somebody's command."""

from __future__ import annotations

import os
from pathlib import Path

from finetune import override, recipe

FILE = Path(__file__).parent / "spec_fields.txt"
RECIPES = Path(__file__).parents[2] / "recipes"


def test_keys_of_all_recipes_are_unchanged() -> None:
    files = sorted(RECIPES.glob("*.py"))
    keys = sorted({key for file in files for name in (str(file), *(f"{file}:{variant}" for variant in recipe.variants(file)))
                   for key in override.paths(recipe.load(name))})
    if os.environ.get("GOLDEN") == "write":
        FILE.write_text("".join(f"{key}\n" for key in keys))
    assert files
    assert keys == FILE.read_text().splitlines()
