"""Which rows share a slice, and which slices are called worse."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.evaluate.slices import EMPTY, FEW_ROWS, MAX_VALUES, groups, score_by
from finetune.tasks.text_classification import TextClassification

TASK = TextClassification(labels=("a", "b"))


def predicted(right: list[bool]) -> dict[str, np.ndarray]:
    """Columns of rows whose label is `a`, answered rightly or wrongly."""
    return {"target": np.zeros(len(right), dtype=int), "prediction": np.array([not hit for hit in right], dtype=int)}


def test_words_are_ordered_by_frequency_and_empty_cells_come_last() -> None:
    names, order = groups(["es", None, "en", " en ", "", "en", "es", None, None, None])
    assert order == ["en", "es", EMPTY]
    assert names.tolist() == ["es", EMPTY, "en", "en", EMPTY, "en", "es", EMPTY, EMPTY, EMPTY]


def test_few_numbers_are_slices_of_their_own_in_order_of_size() -> None:
    assert groups(["10", "9", "-1", "10", "2.5"])[1] == ["-1", "2.5", "9", "10"]


def test_many_numbers_become_quarters_of_equal_size() -> None:
    names, order = groups([str(number) for number in np.random.default_rng(0).permutation(np.arange(1, 101))])
    assert order == ["1 to 25", "26 to 50", "51 to 75", "76 to 100"]
    assert [int((names == name).sum()) for name in order] == [25, 25, 25, 25]


def test_quarters_keep_ties_together_and_the_spelling_of_the_file() -> None:
    cells = ["0.00"] * 90 + [f"{number}.50" for number in range(1, 31)] + [None]
    names, order = groups(cells)
    assert order == ["0.00 to 0.00", "1.50 to 30.50", EMPTY]
    assert [int((names == name).sum()) for name in order] == [90, 30, 1]


def test_the_rest_of_many_words_is_one_slice() -> None:
    cells = ["often"] * 5 + [f"word {number}" for number in range(100)]
    names, order = groups(cells)
    assert len(order) == MAX_VALUES
    assert order[0] == "often"
    assert order[-1] == f"({100 - (MAX_VALUES - 2)} other values)"
    assert int((names == order[-1]).sum()) == 100 - (MAX_VALUES - 2)


@pytest.mark.parametrize("word", ["nan", "inf", "1,5", "2024-01-01"])
def test_what_is_no_finite_number_is_a_word(word: str) -> None:
    assert groups(["3", word, word])[1] == [word, "3"]


def test_a_column_without_any_cell_is_one_slice() -> None:
    assert groups([None, " ", ""])[1] == [EMPTY]


def test_a_slice_whose_whole_interval_lies_below_the_score_of_all_is_worse() -> None:
    right = [True] * 180 + [False] * 20 + [True] * 20 + [False] * 20
    slices = {part.value: part for part in score_by(TASK, predicted(right), ["en"] * 200 + ["de"] * 40, seed=1)}
    assert slices["en"].score.value == 0.9 and slices["de"].score.value == 0.5
    assert slices["de"].score.high < 200 / 240
    assert (slices["en"].worse, slices["de"].worse) == (False, True)
    assert (slices["en"].rows, slices["de"].rows) == (200, 40)


def test_a_small_slice_is_marked_and_never_called_worse() -> None:
    right = [True] * 200 + [False] * (FEW_ROWS - 1)
    small = score_by(TASK, predicted(right), ["en"] * 200 + ["de"] * (FEW_ROWS - 1), seed=1)[1]
    assert (small.value, small.few, small.worse) == ("de", True, False)
    assert small.score.high == 0.0


def test_the_same_seed_gives_the_same_intervals() -> None:
    right, cells = [i % 3 > 0 for i in range(120)], ["x" if i % 2 else "y" for i in range(120)]
    assert score_by(TASK, predicted(right), cells, seed=1) == score_by(TASK, predicted(right), cells, seed=1)
