"""Names say what is behind them, docstrings promise it, and nothing is silenced without a reason."""

from __future__ import annotations

import ast
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import tree

# A vague name attracts everything. Whole words only: `cores` of a processor are no `core`.
BANNED = {"util", "utils", "helper", "helpers", "common", "misc", "base", "core", "manager", "handler"}
SILENCED = re.compile(r"#\s*(?:noqa|type: ignore|mypy:|ruff:|pragma)")
WITH_REASON = re.compile(r"#\s*(?:noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\])  # \S.*")


def test_no_file_or_folder_has_a_vague_name() -> None:
    found = [tree.shown(file) for file in tree.files(*tree.JUDGED)
             if any(BANNED & set(words(part)) for part in file.relative_to(tree.ROOT).with_suffix("").parts)]
    assert not found, "\n".join(found)


def test_no_class_or_function_has_a_vague_name() -> None:
    found = [f"{tree.shown(file)}:{finding}" for file in tree.files(*tree.PRODUCT)
             for finding in vague(tree.parsed(file))]
    assert not found, "\n".join(found)


def test_everything_public_has_a_docstring_that_begins_with_a_sentence() -> None:
    found = [f"{tree.shown(file)}:{finding}" for file in tree.files(*tree.PRODUCT)
             for finding in undocumented(tree.parsed(file))]
    assert not found, "\n".join(found)


def test_whatever_is_silenced_has_a_reason_in_the_same_line() -> None:
    found = [f"{tree.shown(file)}:{finding}" for file in tree.files(*tree.PRODUCT) for finding in unexplained(file)]
    assert not found, "\n".join(found)


def test_packages_of_the_distribution_are_the_folders_on_disk() -> None:
    with (tree.ROOT / "pyproject.toml").open("rb") as opened:
        listed = tomllib.load(opened)["tool"]["setuptools"]["packages"]
    folders = {file.parent.relative_to(tree.ROOT) for file in tree.files("finetune")}
    assert sorted(listed) == sorted({".".join(folder.parts) for folder in folders} | {"finetune.recipes"})


def test_every_other_file_of_the_package_is_shipped_as_data() -> None:
    with (tree.ROOT / "pyproject.toml").open("rb") as opened:
        patterns = tomllib.load(opened)["tool"]["setuptools"]["package-data"]["finetune"]
    package = tree.ROOT / "finetune"
    shipped = {file for pattern in patterns for file in package.glob(pattern)}
    others = {file for file in package.rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
    assert shipped == others


def words(name: str) -> list[str]:
    """The words of a name in snake_case or CamelCase, in lower case."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().strip("_").split("_")


def vague(module: ast.Module) -> Iterator[str]:
    """Classes with a vague word anywhere, and functions with one at the end, where it says what they are."""
    for item in tree.definitions(module):
        told = words(item.node.name)
        if BANNED & set(told if isinstance(item.node, ast.ClassDef) else told[-1:]):
            yield f"{item.node.lineno}: {item.name}"


def undocumented(module: ast.Module) -> Iterator[str]:
    """Public things whose docstring is missing or does not begin with a sentence on its first line."""
    public = [(0, "the file", module), *((item.node.lineno, item.name, item.node)
                                         for item in tree.definitions(module) if item.is_public)]
    for line, name, node in public:
        docstring = ast.get_docstring(node)
        if not docstring:
            yield f"{line}: {name} has no docstring"
        elif not docstring.splitlines()[0].endswith("."):
            yield f"{line}: {name}: the first line of its docstring does not end with a period"


def unexplained(file: Path) -> Iterator[str]:
    """Comments that silence a checker without a rule by name or without a second comment that says why."""
    with file.open("rb") as opened:
        for token in tokenize.tokenize(opened.readline):
            silences = token.type == tokenize.COMMENT and SILENCED.match(token.string)
            if silences and not WITH_REASON.fullmatch(token.string):
                yield f"{token.start[0]}: {token.string}"


def test_vague_names_are_found() -> None:
    source = ("class BaseTask:\n  def common(self): pass\n"
              "class Cores: pass\ndef text_utils(): pass\ndef base_model(): pass")
    assert list(vague(ast.parse(source))) == ["1: BaseTask", "2: BaseTask.common", "4: text_utils"]


def test_missing_docstrings_are_found() -> None:
    source = '"""Rows"""\nclass A:\n    """A promise."""\n    def act(self): pass\n    def _own(self): pass\n'
    assert list(undocumented(ast.parse(source))) == [
        "0: the file: the first line of its docstring does not end with a period", "4: A.act has no docstring",
    ]


@pytest.mark.parametrize(("comment", "count"), [
    ("# noqa", 1), ("# noqa: F401", 1), ("# type: ignore", 1), ("# type: ignore[misc]", 1), ("# a mere remark", 0),
    ("# noqa: ARG002  # as the protocol has it", 0), ("# type: ignore[arg-type]  # a dataclass", 0),
])
def test_silencing_without_a_reason_is_found(comment: str, count: int, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"x = 1  {comment}\n")
    assert len(list(unexplained(tmp_path / "a.py"))) == count
