"""What the README and CONTRIBUTING name is there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.tree import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
RULES = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", README + RULES))
    assert len(named) >= 5
    assert named <= targets


def test_every_verb_that_is_named_exists() -> None:
    from typer.main import get_command

    from finetune.cli import app

    verbs = set(get_command(app).commands)
    named = set(re.findall(r"`finetune ([a-z]+)", README))
    assert named and named <= verbs


def test_the_tree_of_the_readme_is_the_tree_on_disk() -> None:
    tree = README.split("## The tree")[1].split("##")[0]
    packages = {line.split("/")[0].strip() for line in tree.splitlines() if re.match(r"\s{6}\w+/", line)}
    assert packages == {folder.name for folder in (ROOT / "finetune").iterdir() if (folder / "__init__.py").is_file()}
    top = {line.split()[0].rstrip("/") for line in tree.splitlines() if re.match(r"\s{4}\S", line)}
    assert all((ROOT / name).exists() for name in top)


def test_every_cleaning_rule_and_its_default_stand_in_the_readme() -> None:
    from finetune.clean import engine, leakage

    table = README.split("## What cleaning looks for")[1].split("\n\n")[1]
    told = {rule: default for names, default in re.findall(r"^\| (`.+?`) \| (\w+) \|", table, flags=re.MULTILINE)
            for rule in re.findall(r"`(\w+)`", names)}
    assert told == {name: rule.default for name, rule in engine.rules().items()} | {"leakage": leakage.default}


def test_contributing_is_short_and_the_readme_is_filled_in() -> None:
    assert len(RULES.splitlines()) <= 150
    assert "<!--" not in README


def test_the_benchmarks_that_documents_name_exist() -> None:
    texts = README + RULES + "".join(file.read_text() for file in [*Path(ROOT / "recipes").glob("*.py"), ROOT / "docs" / "log.md"])
    named = set(re.findall(r"make bench NAME=(\w+)", texts))
    assert named
    assert [name for name in named if not (ROOT / "benchmarks" / f"{name}.py").is_file()] == []
