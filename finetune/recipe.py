"""Finding and loading recipes: a file, `./recipes/NAME.py`, or the copy that ships with the package."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finetune.errors import FinetuneError, SpecError, nearest
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
    return ast.get_docstring(_tree(file)) or ""


def variants(file: Path) -> dict[str, str]:
    """The functions that return a recipe, besides `recipe` itself, and what they say; read without running the file."""
    return {item.name: (ast.get_docstring(item) or "").partition("\n")[0] for item in _tree(file).body
            if isinstance(item, ast.FunctionDef) and item.name != "recipe" and not item.name.startswith("_")
            and isinstance(item.returns, ast.Name) and item.returns.id == "Recipe"}


def load(name: str) -> Recipe:
    """The recipe called `NAME`, `NAME:VARIANT`, `FILE.py` or `FILE.py:VARIANT`."""
    stem, _, variant = name.partition(":")
    file = Path(stem) if stem.endswith(".py") else available().get(stem)
    if file is None or not file.is_file():
        names = list(available())
        raise SpecError([f"recipe: there is no recipe {stem!r}. Recipes: {', '.join(names)}.{nearest(stem, names)} "
                         "A path to a .py file works too."])
    offered = variants(file)
    if variant and variant not in offered:
        known = ", ".join(f"{stem}:{other}" for other in offered) or "none"
        raise SpecError([f"recipe: {stem} has no variant {variant!r}. Variants: {known}."])
    make = getattr(_module(file), variant or "recipe")
    with _blaming(file):
        made = make()
    if not isinstance(made, Recipe):
        raise SpecError([f"recipe: {file}: {variant or 'recipe'}() returns {made!r:.60}, a Recipe is needed. "
                         "Return one."])
    return made


def _tree(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        raise SpecError([f"recipe: {file}:{error.lineno or 1}: {error.msg}. Mend the recipe."]) from None


@contextmanager
def _blaming(file: Path) -> Iterator[None]:
    """What a recipe's own code raises, as an error that names the line of the recipe."""
    try:
        yield
    except FinetuneError:
        raise
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                 if Path(frame.filename) == file.absolute()]
        line = lines[-1] if lines else 1
        raise SpecError([f"recipe: {file}:{line}: {type(error).__name__}: {error}. Mend the recipe."]) from error


def _module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"recipe_{file.stem}", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with _blaming(file):
        spec.loader.exec_module(module)
    if not hasattr(module, "recipe"):
        raise SpecError([f"recipe: {file} has no function recipe(). Add `def recipe() -> Recipe:`."])
    return module
