"""`finetune show RECIPE KEY`: every setting says what it means and what it may be."""

from __future__ import annotations

from typing import Any

import pytest

from finetune import override, recipe
from finetune.errors import SpecError
from tests.unit.test_cli import said

SENTIMENT = recipe.load("sentiment")


def test_keys_alone_are_explained_with_the_values_that_others_set() -> None:
    shown = said("show", "sentiment", "train.adapter=lora", "train.freeze=none", "train.adapter", "train.schedule")
    assert "train.adapter = lora\n" in shown and "train.adapter.rank = 8\n  Width of" in shown
    assert "train.schedule = linear\n  Shape of the decay" in shown and "Allowed: linear, cosine or constant." in shown
    assert "train.loss" not in shown


def test_word_names_a_key_or_all_below_it_or_an_entry_of_a_mapping() -> None:
    assert override.find(SENTIMENT, "train.loss") == ["train.loss"]
    assert override.find(SENTIMENT, "data.split") == ["data.split.file", "data.split.test", "data.split.validation"]
    assert override.find(SENTIMENT, "data.columns.text") == override.find(SENTIMENT, "data.columns") == ["data.columns.<name>"]
    with pytest.raises(SpecError, match=r"train.los: there is no such key.*Did you mean 'train.loss'"):
        override.find(SENTIMENT, "train.los")


@pytest.mark.parametrize("name", sorted(recipe.available()))
def test_every_setting_of_every_recipe_has_a_sentence(name: str) -> None:
    made = override.apply(recipe.load(name), ["train.adapter=lora"])
    missing = [key for key in override.paths(made) if not override.meaning(made, key)[0].endswith((".", ")"))]
    assert missing == []


def test_meaning_of_a_setting_lists_what_it_takes() -> None:
    assert override.meaning(SENTIMENT, "train.warmup") == (
        "Share of the steps over which the rate rises to its peak, 0 to 1.", "a number")
    assert override.meaning(SENTIMENT, "train.schedule")[1] == "linear, cosine or constant"
    assert override.meaning(SENTIMENT, "clean.<name>")[1] == ""


def test_task_without_source_has_no_sentences() -> None:
    made: dict[str, Any] = {}
    exec("from dataclasses import dataclass\n@dataclass\nclass Typed:\n    size: int = 1", made)
    assert override._sentences(made["Typed"]) == {}
