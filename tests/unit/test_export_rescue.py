"""The search for an int8 form that holds: what is tried, and what counts as holding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finetune.export import rescue
from finetune.export.quantize import Form
from finetune.export.targets import TARGETS
from finetune.spec import Int8Dynamic, Int8Static

STATIC = Form(settings=Int8Static(), target=TARGETS["cpu-vnni"])
DYNAMIC = Form(settings=Int8Dynamic(), target=TARGETS["cpu-vnni"])


def attempt(**changed: Any) -> rescue.Attempt:
    return replace(rescue.Attempt(form=DYNAMIC, drop=0.004, agreement=0.99, distance=0.1, latency_ms=1.0, slower=False), **changed)


@pytest.mark.parametrize(("changed", "holds"), [
    ({}, True), ({"drop": -0.02}, True), ({"drop": 0.006}, False), ({"slower": True}, False),
])
def test_form_holds_with_half_the_budget_to_spare_and_when_it_is_not_slower_than_fp32(changed: dict[str, Any], holds: bool) -> None:
    task: Any = rescue.Search(source=Path(), examples=[], rows=tuple, max_score_drop=0.01, threads=1, draft=Path())  # type: ignore[arg-type]  # no row is read
    assert task.holds(attempt(**changed)) is holds


def test_better_form_keeps_the_score_then_the_labels_then_the_outputs() -> None:
    tried = [attempt(drop=0.02), attempt(), attempt(agreement=0.98), attempt(distance=0.2), attempt(drop=-0.1, agreement=0.9)]
    assert sorted(range(5), key=lambda place: tried[place].rank) == [4, 1, 3, 2, 0]


def test_every_way_differs_from_the_first_in_one_thing() -> None:
    ways = list(rescue._ways(STATIC))
    assert [way.settings.ranges for way in ways if isinstance(way.settings, Int8Static)] == ["minmax", "minmax", "entropy", "percentile"]
    assert (ways[0].settings.per_channel, ways[1].unsigned_weights) == (False, True)
    assert [way.target.reduce_range for way in rescue._ways(DYNAMIC)] == [False, False, True]
    assert len(set(ways) | {STATIC}) == len(ways) + 1


@pytest.mark.parametrize("number", [0, 1, 15, 16, 17, 100])
def test_groups_are_neighbours_and_hold_every_node_once(number: int) -> None:
    names = [f"node{place}" for place in range(number)]
    groups = rescue._groups(names)
    assert [name for group in groups for name in group] == names
    assert len(groups) == min(number, rescue.NUM_GROUPS)
    assert max(map(len, groups), default=0) - min(map(len, groups), default=0) <= 1
