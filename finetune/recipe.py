"""Finding and loading recipes: a file, `./recipes/NAME.py`, or the copy that ships with the package."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from finetune.errors import SpecError, nearest
from finetune.spec import Recipe

SHIPPED = (Path(__file__).parent / "recipes", Path(__file__).parent.parent / "recipes")


def available() -> dict[str, Path]:
    """Every recipe by name, the working folder's first."""
    found: dict[str, Path] = {}
    for folder in (Path("recipes"), *SHIPPED):
        for file in sorted(folder.glob("[a-z]*.py")):
            found.setdefault(file.stem, file)
    return found


def docstring(file: Path) -> str:
    """A recipe's docstring, read without running the file."""
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def variants(file: Path) -> list[str]:
    """The functions that return a recipe, besides `recipe` itself, read without running the file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [item.name for item in tree.body
            if isinstance(item, ast.FunctionDef) and item.name != "recipe" and not item.name.startswith("_")
            and isinstance(item.returns, ast.Name) and item.returns.id == "Recipe"]


def load(name: str) -> Recipe:
    """The recipe called `NAME`, `NAME:VARIANT`, `FILE.py` or `FILE.py:VARIANT`."""
    stem, _, variant = name.partition(":")
    file = Path(stem) if stem.endswith(".py") else available().get(stem)
    if file is None or not file.is_file():
        names = list(available())
        raise SpecError([f"recipe: there is no recipe {stem!r}. Recipes: {', '.join(names)}.{nearest(stem, names)} "
                         "A path to a .py file works too."])
    if variant and variant not in variants(file):
        known = ", ".join(f"{stem}:{other}" for other in variants(file)) or "none"
        raise SpecError([f"recipe: {stem} has no variant {variant!r}. Variants: {known}."])
    made: Recipe = getattr(_module(file), variant or "recipe")()
    return made


def _module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"recipe_{file.stem}", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        raise SpecError([f"recipe: {file}:{line}: {type(error).__name__}: {error}. Mend the recipe."]) from error
    if not hasattr(module, "recipe"):
        raise SpecError([f"recipe: {file} has no function recipe(). Add `def recipe() -> Recipe:`."])
    return module
