"""Files and functions stay short enough to be read in one go.

A limit serves the reader. Where one makes code worse, loosen it here, say why beside it and in the changelog.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.architecture import tree

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 45  # signature included, docstring not
MAX_PARAMETERS = 7  # self not counted
# Two would be safer still, but three values that make one sentence, as (folder, model, optimizer) or
# (targets, predictions, num_classes), read worse with names; from the fourth on nobody knows the order by heart.
MAX_POSITIONAL = 3
MAX_NESTING = 3  # blocks within blocks; `elif` is no deeper than its `if`

BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def test_every_file_of_the_project_is_judged() -> None:
    assert len(tree.files(*tree.JUDGED)) == tree.count_on_disk()


def test_files_are_short() -> None:
    lines = {tree.shown(file): len(file.read_text(encoding="utf-8").splitlines()) for file in tree.files(*tree.JUDGED)}
    found = [f"{file}: {count} lines, allowed are {MAX_FILE_LINES}" for file, count in lines.items()
             if count > MAX_FILE_LINES]
    assert not found, "\n".join(found)


def test_functions_are_short_and_flat() -> None:
    found = [f"{tree.shown(file)}:{finding}" for file in tree.files(*tree.JUDGED)
             for finding in shape(tree.parsed(file))]
    assert not found, "\n".join(found)


def test_functions_of_the_product_take_few_parameters() -> None:
    found = [f"{tree.shown(file)}:{finding}" for file in tree.files(*tree.PRODUCT)
             for finding in signatures(tree.parsed(file))]
    assert not found, "\n".join(found)


def shape(module: ast.Module) -> Iterator[str]:
    """Functions that are too long or nested too deep, as `line: what`."""
    for item in tree.definitions(module):
        if isinstance(item.node, ast.ClassDef):
            continue
        if (lines := num_lines(item.node)) > MAX_FUNCTION_LINES:
            yield f"{item.node.lineno}: {item.name} has {lines} lines, allowed are {MAX_FUNCTION_LINES}"
        if (deepest := nesting(item.node.body)) > MAX_NESTING:
            yield f"{item.node.lineno}: {item.name} is nested {deepest} deep, allowed is {MAX_NESTING}"


def signatures(module: ast.Module) -> Iterator[str]:
    """Functions with too many parameters, or too many of them without a name at the call, as `line: what`."""
    for item in tree.definitions(module):
        if isinstance(item.node, ast.ClassDef) or is_command(item.node):
            continue
        given = item.node.args
        positional = [parameter.arg for parameter in (*given.posonlyargs, *given.args)]
        if isinstance(item.owner, ast.ClassDef) and positional and positional[0] in ("self", "cls"):
            positional = positional[1:]
        count = len(positional) + len(given.kwonlyargs)
        if count > MAX_PARAMETERS:
            yield f"{item.node.lineno}: {item.name} takes {count} parameters, allowed are {MAX_PARAMETERS}"
        if len(positional) > MAX_POSITIONAL:
            yield (f"{item.node.lineno}: {item.name} takes {', '.join(positional)} by position, allowed are "
                   f"{MAX_POSITIONAL}. Put a * before the others")


def num_lines(function: tree.Function) -> int:
    """Lines from `def` to the end, without those of the docstring."""
    return span(function) - (span(function.body[0]) if ast.get_docstring(function) else 0)


def span(node: ast.stmt) -> int:
    """Lines of a statement."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def nesting(body: Iterable[ast.stmt]) -> int:
    """How many blocks lie within each other at most; an inner function is judged on its own."""
    return max((1 + max(map(nesting, inner(statement))) for statement in body if isinstance(statement, BLOCKS)),
               default=0)


def inner(block: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The bodies of a block; the `if` of an `elif` is replaced by its own bodies."""
    for part in (block, *getattr(block, "handlers", ()), *getattr(block, "cases", ())):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(part, name, [])
            is_elif = name == "orelse" and isinstance(block, ast.If) and len(body) == 1 and isinstance(body[0], ast.If)
            yield from inner(body[0]) if is_elif else [body]


def is_command(function: tree.Function) -> bool:
    """Whether the parameters are what a user types: typer makes options and arguments of them."""
    return any(ast.unparse(mark).startswith(("app.command(", "app.callback(")) for mark in function.decorator_list)


LONG = "def long():\n" + "    pass\n" * MAX_FUNCTION_LINES
DOCUMENTED = 'def documented():\n    """One.\n\n    Two.\n    """\n' + "    pass\n" * (MAX_FUNCTION_LINES - 1)
DEEP = "def deep():\n for a in b:\n  if a:\n   with a:\n    try:\n     pass\n    finally:\n     pass\n"
CHAIN = "def chain():\n for a in b:\n  if a:\n   pass\n  elif b:\n   pass\n  elif c:\n   with d:\n    pass\n"
IN_CLASS = "class A:\n def long(self, a, b, c, *, d, e, f, g):\n  pass\n"


@pytest.mark.parametrize(("source", "findings"), [
    (LONG, ["1: long has 46 lines, allowed are 45"]),
    (DOCUMENTED, []),
    (DEEP, ["1: deep is nested 4 deep, allowed is 3"]),
    (CHAIN, []),
    ("def outer():\n for a in b:\n  def inner():\n   for c in d:\n    for e in f:\n     pass\n", []),
])
def test_long_and_deep_functions_are_found(source: str, findings: list[str]) -> None:
    assert list(shape(ast.parse(source))) == findings


@pytest.mark.parametrize(("source", "findings"), [
    ("def many(a, *, b, c, d, e, f, g, h): pass", ["1: many takes 8 parameters, allowed are 7"]),
    ("def four(a, b, c, d): pass",
     ["1: four takes a, b, c, d by position, allowed are 3. Put a * before the others"]),
    (IN_CLASS, []),
    ("@app.command(epilog='x')\ndef verb(a, b, c, d, e, f, g, h): pass", []),
])
def test_wide_signatures_are_found(source: str, findings: list[str]) -> None:
    assert list(signatures(ast.parse(source))) == findings
