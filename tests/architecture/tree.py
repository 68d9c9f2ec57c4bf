"""The Python files of the project and what they define and import, parsed once for all gates."""

from __future__ import annotations

import ast
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("finetune", "recipes", "benchmarks", "locks")
JUDGED = (*PRODUCT, "tests")
NOT_OURS = {"__pycache__", "build", "dist", "runs"}  # made by tools; folders with a dot are not ours either

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Definition:
    """A class or function with its dotted name; `owner` is the class or function around it."""

    name: str
    node: Function | ast.ClassDef
    owner: Function | ast.ClassDef | None

    @property
    def is_public(self) -> bool:
        """Whether others may use it: no underscore on the way to it, and not inside a function."""
        return not isinstance(self.owner, Function) and not any(part.startswith("_") for part in self.name.split("."))


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module; `lazy` says that loading the file does not import it."""

    module: str
    line: int
    lazy: bool


def files(*folders: str) -> list[Path]:
    """Every Python file below these folders of the project."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def count_on_disk() -> int:
    """Python files of the whole project, counted without the list of folders that `files` is given."""
    count = 0
    for _, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.startswith(".")]
        count += sum(name.endswith(".py") for name in names)
    return count


def shown(file: Path) -> str:
    """The path as a finding names it."""
    return file.relative_to(ROOT).as_posix()


def dotted(file: Path) -> str:
    """The name under which a file is imported."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def parsed(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def definitions(
    node: ast.AST, prefix: str = "", owner: Function | ast.ClassDef | None = None
) -> Iterator[Definition]:
    """Every class and function below a node, methods and inner functions included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            yield Definition(prefix + child.name, child, owner)
            yield from definitions(child, f"{prefix}{child.name}.", child)
        else:
            yield from definitions(child, prefix, owner)


def imports(node: ast.AST, *, lazy: bool = False) -> Iterator[Import]:
    """Every import below a node; `from a import b` counts as `a.b`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(item.name, child.lineno, lazy) for item in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (Import(f"{child.module}.{item.name}", child.lineno, lazy) for item in child.names)
        else:
            for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            yield from imports(child, lazy=lazy or for_types or isinstance(child, Function))
