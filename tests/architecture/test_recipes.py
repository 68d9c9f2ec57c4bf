"""Every recipe is one short page that says what to expect of it, and whatever contradicts itself is refused at once."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from finetune import checks, override, recipe, spec
from tests.architecture import tree

MIN_LINES, MAX_LINES = 40, 60
PROMISES = ("Expect", "Costs", "Run")
MEASURED = re.compile(r"\b20\d\d-\d\d-\d\d\b|not measured yet")
RECIPES = tree.files("recipes")
BY_NAME = pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)

# One line per check of `checks.py`: the key that the message must begin with, and overrides that break it alone.
CONTRADICTIONS = [
    ("data.files.train", "data.source=files"),
    ("data.source", "data.source=hub data.files.train=rows.csv"),
    ("data.files.train", "data.files.test=rows.csv"),
    ("data.images", "data.images=pictures"),
    ("data.split", "data.split.validation=0.6"),
    ("data.split", "data.split.validation=0.45 data.split.test=0.45"),
    ("data.split.file", "data.split.file=split.jsonl data.hub.columns.time=date"),
    ("data.columns", "data.columns.text=review"),
    ("data.quotes", "data.quotes=literal"),
    ("data.encoding", "data.encoding=cp1251"),
    ("data.max_rows", "data.max_rows=0"),
    ("train.batch", "train.batch=0"),
    ("train.micro_batch", "train.micro_batch=0"),
    ("train.micro_batch", "train.micro_batch=500"),
    ("train.lr", "train.lr=0"),
    ("train.warmup", "train.warmup=1"),
    ("train.weight_decay", "train.weight_decay=-0.1"),
    ("train.clip", "train.clip=-1"),
    ("train.length", "train.length=0steps"),
    ("train.evaluate_every", "train.evaluate_every=0rows"),
    ("train.patience", "train.patience=-1"),
    ("train", "train.class_weights=balanced train.sampler=balanced"),
    ("train.threads", "train.threads=0"),
    ("train.freeze", "train.freeze=0"),
    ("train.freeze", "train.freeze=backbone train.adapter=lora"),
    ("model.random", "model.random=true train.freeze=backbone"),
    ("train.adapter.rank", "train.adapter=lora train.adapter.rank=0"),
    ("train.adapter.alpha", "train.adapter=lora train.adapter.alpha=0"),
    ("train.adapter.dropout", "train.adapter=lora train.adapter.dropout=1"),
    ("train.adapter.targets", "train.adapter=lora train.adapter.targets=none"),
    ("export.max_score_drop", "export.max_score_drop=1.5"),
    ("export.quantize.rows", "export.quantize=int8_static export.quantize.rows=0"),
    ("export.quantize", "export.target=cuda"),
    ("export.target", "export.target=arm64 export.quantize=none"),
    ("export.opset", "export.opset=9"),
    ("seed", "seed=-1"),
]
# These need a setting that another line sets otherwise.
CANNOT_STAND_BESIDE_OTHERS = ("data.source=hub data.files.train=rows.csv", "train.micro_batch=0", "train.freeze=0",
                              "data.split.validation=0.45 data.split.test=0.45", "export.target=arm64 export.quantize=none")


def test_the_folder_holds_recipes_alone_and_each_has_its_cases() -> None:
    names = sorted(entry.name for entry in (tree.ROOT / "recipes").iterdir() if entry.name not in tree.NOT_OURS)
    assert [file.name for file in RECIPES] == names


def test_every_recipe_is_offered() -> None:
    assert {file.stem for file in RECIPES} <= recipe.available().keys()


@BY_NAME
def test_recipe_fits_on_a_page(file: Path) -> None:
    assert MIN_LINES <= len(file.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@BY_NAME
def test_docstring_says_what_to_expect(file: Path) -> None:
    promises = sections(recipe.docstring(file))
    assert tuple(promises) == ("", *PROMISES)
    assert promises[""].endswith("."), "the first line is a sentence"
    assert MEASURED.search(promises["Expect"]), "Expect carries the date of the measurement, or `not measured yet`"
    assert promises["Run"].startswith(f"finetune run {file.stem}")


@BY_NAME
def test_recipe_and_its_variants_have_no_problem(file: Path) -> None:
    for name in (str(file), *(f"{file}:{variant}" for variant in recipe.variants(file))):
        assert checks.problems(recipe.load(name)) == []


@pytest.mark.parametrize(("key", "overrides"), CONTRADICTIONS)
def test_contradiction_is_found(key: str, overrides: str) -> None:
    found = checks.problems(planted(overrides))
    assert [message.partition(": ")[0] for message in found] == [key]


def test_all_contradictions_are_found_at_once() -> None:
    together = [(key, overrides) for key, overrides in CONTRADICTIONS if overrides not in CANNOT_STAND_BESIDE_OTHERS]
    found = checks.problems(planted(" ".join(overrides for _, overrides in together)))
    assert [message.partition(": ")[0] for message in found] == [key for key, _ in together]


def test_every_check_has_its_contradiction() -> None:
    lists = (node for node in ast.walk(tree.parsed(tree.ROOT / "finetune" / "checks.py")) if isinstance(node, ast.List))
    checks = [entry for found in lists for entry in found.elts if isinstance(entry, ast.Tuple)]
    assert len(CONTRADICTIONS) == len(checks)


@pytest.mark.parametrize("overrides", ["train.class_weights=balanced", "train.loss=focal", "train.sampler=balanced"])
def test_what_makes_up_for_uneven_labels_is_refused_where_there_are_none(overrides: str) -> None:
    found = checks.problems(override.apply(recipe.load(str(tree.ROOT / "recipes" / "similarity.py")), [overrides]))
    assert found == [f"{overrides}: makes up for uneven labels, and this task learns no single label a row. Leave it out."]


def planted(overrides: str) -> spec.Recipe:
    """A recipe of single labels with these overrides."""
    return override.apply(recipe.load(str(tree.ROOT / "recipes" / "images.py")), overrides.split())


def sections(docstring: str) -> dict[str, str]:
    """A recipe's docstring by the words that begin its lines; what stands before them has the empty word."""
    found, current = {"": ""}, ""
    for line in docstring.splitlines():
        word, _, rest = line.partition(" ")
        if word in PROMISES:
            current, line = word, rest
        found[current] = f"{found.get(current, '')} {line.strip()}".strip()
    return found
