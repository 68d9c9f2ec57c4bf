"""Finding a recipe by name or path, reading it without running it, and naming the line where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune import recipe
from finetune.errors import DataError, SpecError
from finetune.spec import Recipe

ROOT = Path(__file__).parents[2]
FINE = '''"""Tone of a text.

More of it.
"""

from dataclasses import replace

from finetune.spec import Data, Hub, Model, Recipe
from finetune.tasks.text_classification import TextClassification


def recipe() -> Recipe:
    """The usual one."""
    return Recipe(task=TextClassification(), data=Data(hub=Hub(name="me/x"), sample="reviews"), model=Model(name="bert"))


def small() -> Recipe:
    """A smaller one."""
    return replace(recipe(), model=Model(name="tiny"))


def _hidden() -> Recipe:
    return recipe()


def number() -> int:
    return 3
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a recipe of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "tone.py").write_text(FINE)
    return tmp_path


def refusal(name: str) -> str:
    with pytest.raises(SpecError) as caught:
        recipe.load(name)
    (problem,) = caught.value.problems
    return problem


def test_shipped_recipes_are_the_files_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = sorted(file.stem for file in (ROOT / "recipes").glob("*.py"))
    assert sorted(recipe.available()) == shipped
    for name in shipped:
        assert isinstance(recipe.load(name), Recipe)


def test_recipes_of_the_working_folder_come_first(folder: Path) -> None:
    (folder / "recipes" / "sentiment.py").write_text(FINE)
    assert list(recipe.available())[:2] == ["sentiment", "tone"]
    assert recipe.load("sentiment").model.name == "bert"
    assert recipe.load("images").model.name == "timm/resnet50.a1_in1k"


def test_files_that_are_no_recipes_are_not_offered(folder: Path) -> None:
    (folder / "recipes" / "__init__.py").touch()
    (folder / "recipes" / "_draft.py").touch()
    (folder / "recipes" / "notes.txt").touch()
    assert {name for name, file in recipe.available().items() if file.parts[0] == "recipes"} == {"tone"}


def test_recipe_is_loaded_by_name_and_variant(folder: Path) -> None:
    assert recipe.load("tone").model.name == "bert"
    assert recipe.load("tone:small").model.name == "tiny"


def test_recipe_is_loaded_from_a_file(folder: Path) -> None:
    (folder / "own.py").write_text(FINE)
    assert recipe.load("own.py").model.name == "bert"
    assert recipe.load(f"{folder}/own.py:small").model.name == "tiny"


def test_docstring_and_variants_are_read_without_running_the_file(folder: Path) -> None:
    file = folder / "loud.py"
    file.write_text(FINE + "\nraise RuntimeError('this file was run')\n")
    assert recipe.docstring(file) == "Tone of a text.\n\nMore of it."
    assert recipe.variants(file) == {"small": "A smaller one."}
    assert "RuntimeError: this file was run" in refusal("loud.py")


def test_file_without_docstring_has_an_empty_one(folder: Path) -> None:
    (folder / "bare.py").write_text("x = 1\n")
    assert recipe.docstring(folder / "bare.py") == ""
    assert recipe.variants(folder / "bare.py") == {}


def test_unknown_recipe_lists_the_known_ones(folder: Path) -> None:
    names = ", ".join(recipe.available())
    assert refusal("ton") == (f"recipe: there is no recipe 'ton'. Recipes: {names}. Did you mean 'tone'?"
                              " A path to a .py file works too.")
    assert refusal("absent/own.py").startswith("recipe: there is no recipe 'absent/own.py'.")


def test_unknown_variant_lists_the_known_ones(folder: Path) -> None:
    assert refusal("tone:large") == "recipe: tone has no variant 'large'. Variants: tone:small."
    assert refusal("tone:_hidden") == "recipe: tone has no variant '_hidden'. Variants: tone:small."
    (folder / "plain.py").write_text(FINE.partition("def small")[0])
    assert refusal("plain.py:large") == "recipe: plain.py has no variant 'large'. Variants: none."


@pytest.mark.parametrize(("line", "content", "said"), [
    (3, '"""Broken."""\n\ndef recipe( -> Recipe:\n', "invalid syntax"),
    (2, "x = (1,\n  'never closed\n", "unterminated string literal"),
    (2, '"""Import."""\nfrom finetune.tasks.nothing import Nothing\n',
     "ModuleNotFoundError: No module named 'finetune.tasks.nothing'"),
    (3, "x = 1\n\nx / 0\n", "ZeroDivisionError: division by zero"),
    (5, "from pathlib import Path\n\n\ndef recipe():\n    return Path('/absent').read_text()\n",
     "FileNotFoundError: [Errno 2] No such file or directory: '/absent'"),
    (5, "from finetune.spec import Model\n\n\ndef recipe():\n    return Model(nam='bert')\n",
     "TypeError: Model.__init__() got an unexpected keyword argument 'nam'"),
])
def test_recipe_that_is_wrong_is_named_with_file_and_line(folder: Path, line: int, content: str, said: str) -> None:
    (folder / "wrong.py").write_text(content)
    problem = refusal("wrong.py")
    assert problem.startswith(f"recipe: wrong.py:{line}: {said}")
    assert problem.endswith(". Mend the recipe.")


def test_broken_file_is_named_when_it_is_only_read(folder: Path) -> None:
    (folder / "wrong.py").write_text('"""Broken."""\n\n)\n')
    for read in (recipe.docstring, recipe.variants):
        with pytest.raises(SpecError, match=r"^recipe: .*wrong\.py:3: unmatched '\)'\. Mend the recipe\.$"):
            read(folder / "wrong.py")


def test_variant_that_is_wrong_is_named_by_its_own_line(folder: Path) -> None:
    (folder / "wrong.py").write_text(FINE + "\n\ndef odd() -> Recipe:\n    return replace(recipe(), sead=3)\n")
    assert refusal("wrong.py:odd").startswith(f"recipe: wrong.py:{FINE.count(chr(10)) + 4}: TypeError: ")


def test_file_without_recipe_says_what_to_add(folder: Path) -> None:
    (folder / "bare.py").write_text("x = 1\n")
    assert refusal("bare.py") == "recipe: bare.py has no function recipe(). Add `def recipe() -> Recipe:`."


def test_function_that_returns_something_else_is_refused(folder: Path) -> None:
    (folder / "odd.py").write_text("def recipe():\n    return None\n")
    assert refusal("odd.py") == "recipe: odd.py: recipe() returns None, a Recipe is needed. Return one."


def test_error_of_a_recipe_for_its_user_stays_as_it_is(folder: Path) -> None:
    (folder / "own.py").write_text("from finetune.errors import DataError\n\n\ndef recipe():\n"
                                   "    raise DataError('photos', 'are missing. Fetch them.')\n")
    with pytest.raises(DataError, match=r"^photos: are missing\. Fetch them\.$"):
        recipe.load("own.py")
