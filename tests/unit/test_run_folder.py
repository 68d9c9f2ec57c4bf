"""A new run has a folder of its own, however many begin at once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from finetune import recipe as recipes
from finetune.errors import DataError
from finetune.run import folder


def test_equal_runs_that_begin_in_the_same_second_each_have_their_folder(tmp_path: Path) -> None:
    recipe = replace(recipes.load("sentiment"), output_dir=str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: folder.create(recipe, "sentiment", overrides=(), command=""), range(8)))
    names = sorted(one.path.name for one in made)
    assert len(set(names)) == 8
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}(-\d)?", name) for name in names)
    assert all((one.path / "recipe.json").is_file() for one in made)
    assert folder.newest_unfinished(str(tmp_path), "sentiment").path.name == names[-1]


def test_place_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    recipe = replace(recipes.load("sentiment"), output_dir=str(tmp_path / "runs"))
    with pytest.raises(DataError, match=r"^output_dir: .*runs: no run folder can be made there"):
        folder.create(recipe, "sentiment", overrides=(), command="")
