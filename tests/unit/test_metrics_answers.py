"""Exact match and F1 of answers as SQuAD counts them, by hand and at the edges."""

from __future__ import annotations

import pytest

from finetune.metrics import answers


@pytest.mark.parametrize(("prediction", "targets", "exact", "f1"), [
    ("the Eiffel Tower", ["Eiffel tower."], 1.0, 1.0),
    ("An apple", ["a apple"], 1.0, 1.0),
    ("in the old tower", ["old tower"], 0.0, 0.8),  # 3 words found, 2 right: 2 * 2 / 5
    ("cats cats", ["cats"], 0.0, 2 / 3),  # a word counts as often as it stands there
    ("dogs", ["cats"], 0.0, 0.0),
    ("nine", ["five", "nine sheep", "nine"], 1.0, 1.0),  # the nearest of several
    ("", [], 1.0, 1.0),  # rightly none
    ("cats", [], 0.0, 0.0),
    ("", ["cats"], 0.0, 0.0),
    ("the", [], 1.0, 1.0),  # an article alone is nothing
    ("\u5317\u4eac\u5e02", ["\u5317\u4eac"], 0.0, 0.8),  # characters are words: 2 * 2 / 5
    ("3.5%", ["35"], 1.0, 1.0),  # as the official script does: its marks go
])
def test_scores_are_those_computed_by_hand(prediction: str, targets: list[str], exact: float, f1: float) -> None:
    assert answers.exact(prediction, targets) == exact
    assert answers.f1(prediction, targets) == pytest.approx(f1)
