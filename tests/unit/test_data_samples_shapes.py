"""The drawn shapes: the same on every machine, and the dirt that their key names is found."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from finetune.clean import engine
from finetune.contracts import SplitRows
from finetune.data.images import open_image
from finetune.data.samples import shapes
from finetune.data.split import hold_out

ROLES = {"image": "image", "label": "labels"}


@pytest.fixture(scope="module")
def sample() -> SplitRows:
    """The pictures."""
    return shapes.rows()


def test_every_label_has_rows_and_some_rows_have_none(sample: SplitRows) -> None:
    lists = sample.splits["train"]["label"].to_pylist()
    assert len(lists) == shapes.NUM_ROWS + 6
    assert {name for names in lists for name in names} == set(shapes.SHARES)
    assert 100 < sum(not names for names in lists) < 300
    assert max(map(len, lists)) >= 4


def test_drawing_again_gives_the_same_bytes(sample: SplitRows) -> None:
    assert shapes.rows().splits["train"].equals(sample.splits["train"])


def test_pictures_are_of_the_size_that_is_said(sample: SplitRows) -> None:
    assert open_image(sample.splits["train"]["image"][0].as_py()).size == (shapes.SIDE, shapes.SIDE)


def test_rules_find_the_rows_that_the_key_names_for_them(sample: SplitRows) -> None:
    rows = sample.splits["train"]
    splits = hold_out(rows, shares={"validation": 0.1, "test": 0.1}, keys=rows["row"].to_pylist(), seed=1,
                      known=dict.fromkeys([*shapes.KEY, "shapes:3", "shapes:4", "shapes:5"], "train"))
    found = defaultdict(set)
    for line in engine.clean(splits, ROLES, {}).ledger:
        found[line.rule].add(line.row)
    planted = {rule: {row for row, its in shapes.KEY.items() if its == rule} for rule in Counter(shapes.KEY.values())}
    assert {rule: found[rule] for rule in planted} == planted
