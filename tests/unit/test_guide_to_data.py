"""The guide `docs/data.md`: its commands are commands, and what it promises of formats is what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from finetune import checks, override, recipe
from finetune.clean import missing_numbers
from finetune.data import delimited, images, locators, sources, times
from finetune.data.table_file import FORMATS
from finetune.errors import DataError

GUIDE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
COMMANDS = re.findall(r"`(finetune run [^`]+)`", GUIDE)
SETTINGS = sorted(set(re.findall(r"data\.[a-z.]+(?==)", GUIDE)))


def test_the_guide_has_a_command_for_each_set() -> None:
    sets = re.findall(r"^\| (\w+) \| `finetune run", GUIDE, re.MULTILINE)
    assert len(sets) == len(set(sets)) == len(COMMANDS) == 8


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_guide_is_a_recipe_without_contradictions(command: str) -> None:
    _, _, name, *arguments = shlex.split(command)
    chosen = override.apply(recipe.load(name), arguments)
    assert checks.problems(chosen) == []
    assert sources.problems(chosen.data, chosen.task.roles) == []


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_of_the_guide_is_there(name: str) -> None:
    known = override.paths(recipe.load("sentiment"))
    assert name in known or re.sub(r"[^.]+$", "<name>", name) in known


def test_times_that_the_guide_promises_are_read() -> None:
    promised = ["2024-04-03", "2024-04-03 17:05:00+02:00", "03.04.2024", "3 April 2024", "Apr 3, 2024"]
    text = " ".join(GUIDE.split())
    assert all(f"`{cell}`" in text for cell in promised)
    assert all(times.instants([cell], ["a.csv:2"]) for cell in promised)
    with pytest.raises(DataError):
        times.instants(["03/04/2024"], ["a.csv:2"])


def test_ways_to_hold_out_are_settings_that_go_together() -> None:
    told = re.findall(r"\| `(data\.(?:columns\.group|columns\.time|split\.file)=[^`]+)` \|", GUIDE)
    assert len(told) == 3
    for setting in told:
        chosen = override.apply(recipe.load("sentiment"), ["data.files.train=a.csv", setting])
        assert checks.problems(chosen) == []


def test_policies_for_missing_numbers_are_those_of_the_rule() -> None:
    section = GUIDE.partition("## Numbers")[2].partition("## ")[0]
    named = re.findall(r"`([a-z:0-9,]+)`", section.partition("what to do:")[2])
    assert {"drop", "fail", "mean", "median", "price:median,size:0"} <= set(named)
    assert all(map(missing_numbers.accepts, named))


def test_formats_and_limits_are_those_of_the_code() -> None:
    assert " ".join(f"`{suffix}`" for suffix in FORMATS) in GUIDE
    assert f"{delimited.MAX_CELL:,} characters" in GUIDE
    assert f"{locators.MAX_BYTES // 2**30} GiB" in GUIDE
    assert f"{images.MAX_PIXELS // 10**6} million pixels" in GUIDE
