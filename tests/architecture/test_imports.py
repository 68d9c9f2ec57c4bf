"""What loading a file brings along, and the imports that `lint-imports` cannot see.

The layers and the doors of the heavy packages are contracts in pyproject.toml; `make check` runs them.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.architecture import tree

HEAVY = {"torch", "transformers", "evaluate", "optimum", "accelerate", "timm", "peft", "datasets", "pyarrow", "sklearn",
         "ftfy", "matplotlib"}
# The files whose work is done in a heavy package from their first line to their last: they are loaded when it is due.
HEAVY_FILES = {
    "finetune.backbones.adapters", "finetune.backbones.anatomy", "finetune.backbones.features", "finetune.backbones.freeze", "finetune.backbones.hf",
    "finetune.backbones.small", "finetune.backbones.timm", "finetune.metrics.hf", "finetune.run.adapter", "finetune.run.evaluate", "finetune.run.export", "finetune.run.launch", "finetune.run.train",
    "finetune.train.checkpoint", "finetune.train.feed", "finetune.train.loop", "finetune.train.optim",
    "finetune.train.objective", "finetune.train.probe", "finetune.train.sharding", "finetune.train.step",
}
RUNS_WHEN_IMPORTED = {"finetune.__main__"}
FOR_RECIPES = ("finetune.spec.", "finetune.tasks.", "finetune.clean.")
LOADERS = {"importlib.import_module", "import_module", "__import__", "exec", "eval"}

LIGHT_FILES = sorted({tree.dotted(file) for file in tree.files("finetune")} - HEAVY_FILES - RUNS_WHEN_IMPORTED)


def test_every_file_is_either_light_or_heavy() -> None:
    assert len(LIGHT_FILES) + len(HEAVY_FILES) + len(RUNS_WHEN_IMPORTED) == len(list(tree.files("finetune")))


def test_light_files_load_nothing_heavy() -> None:
    code = (f"import importlib, sys\nfor name in {LIGHT_FILES!r}:\n    importlib.import_module(name)\n"
            f"    heavy = {HEAVY!r} & set(sys.modules)\n    assert not heavy, (name, heavy)")
    done = subprocess.run([sys.executable, "-c", code], cwd=tree.ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_heavy_packages_are_imported_where_they_are_needed() -> None:
    found = [f"{tree.shown(file)}:{item.line}: {item.module}" for file in tree.files("finetune")
             if tree.dotted(file) not in HEAVY_FILES for item in tree.imports(tree.parsed(file))
             if not item.lazy and item.module.partition(".")[0] in HEAVY]
    assert not found, "\n".join(found)


def test_recipes_import_only_what_they_are_made_of() -> None:
    found = [f"{tree.shown(file)}:{item.line}: {item.module}" for file in tree.files("recipes")
             for item in tree.imports(tree.parsed(file)) if not item.module.startswith(FOR_RECIPES)
             and item.module.partition(".")[0] not in sys.stdlib_module_names]
    assert not found, "\n".join(found)


def test_no_file_of_the_package_imports_a_recipe() -> None:
    found = [f"{tree.shown(file)}:{item.line}: {item.module}" for file in tree.files("finetune")
             for item in tree.imports(tree.parsed(file))
             if f"{item.module}.".startswith(("recipes.", "finetune.recipes."))]
    assert not found, "\n".join(found)


def test_names_that_are_put_together_lead_to_the_same_room_or_down() -> None:
    rank = ranks()
    found = [f"{tree.shown(file)}:{finding}" for file in tree.files("finetune")
             for finding in upward(tree.parsed(file), rank.get(room(tree.dotted(file)), 0), rank)]
    assert not found, "\n".join(found)


def room(dotted: str) -> str:
    """The part of a dotted name that stands directly below the package: a room, or a file beside the rooms."""
    return f"{dotted}..".split(".")[1]


def ranks() -> dict[str, int]:
    """The layer of every room, counted from the top, as the contract in pyproject.toml has it."""
    with (tree.ROOT / "pyproject.toml").open("rb") as opened:
        contracts = tomllib.load(opened)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return {room: rank for rank, layer in enumerate(layers) for room in layer.split(" | ")}


def upward(module: ast.Module, own: int, rank: dict[str, int]) -> Iterator[str]:
    """Imports by a name made at run time that do not begin with a room of this layer or a lower one."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in LOADERS:
            continue
        name = node.args[0]
        start = name.values[0] if isinstance(name, ast.JoinedStr) else name
        told = start.value if isinstance(start, ast.Constant) and isinstance(start.value, str) else ""
        if not told.startswith("finetune.") or rank.get(room(told), -1) < own:
            yield f"{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize(("call", "count"), [
    ("import_module(f'finetune.tasks.{name}')", 0), ("importlib.import_module(f'finetune.data.samples.{x}')", 0),
    ("import_module(f'finetune.{name}')", 1), ("import_module(f'finetune.run.{name}')", 1), ("import_module(name)", 1),
    ("__import__('torch')", 1), ("eval(text)", 1), ("model.eval()", 0),
])
def test_imports_that_may_lead_anywhere_are_found(call: str, count: int) -> None:
    assert len(list(upward(ast.parse(call), ranks()["tasks"], ranks()))) == count


def test_lazy_imports_are_told_from_those_at_once() -> None:
    source = "import a\nfrom b import c\nif TYPE_CHECKING:\n    import d\ndef f():\n    from e import g\n"
    assert [(item.module, item.lazy) for item in tree.imports(ast.parse(source))] == [
        ("a", False), ("b.c", False), ("d", True), ("e.g", True)]
