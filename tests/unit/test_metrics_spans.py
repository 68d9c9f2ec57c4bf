"""The best span over windows against trying all of them, and sentences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from finetune.metrics import spans


def brute(start: np.ndarray, end: np.ndarray, allowed: np.ndarray, longest: int) -> tuple[float, tuple[int, int, int]]:
    found = [(start[w, a] + end[w, b], (w, a, b)) for w, a, b in itertools.product(
        range(len(start)), range(start.shape[1]), range(start.shape[1]))
        if allowed[w, a] and allowed[w, b] and a <= b < a + longest]
    return max(found)


def test_the_best_span_is_that_of_trying_all() -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        start, end = random.normal(size=(2, 4, 12)).astype(np.float32)
        allowed = random.random((4, 12)) < 0.7
        allowed[:, 5] = True
        found = spans.best(start, end, allowed, row_W=np.array([0, 0, 1, 1]), num_rows=2, longest=3, with_none=True)
        for row in range(2):
            part = slice(2 * row, 2 * row + 2)
            score, (window, first, last) = brute(start[part], end[part], allowed[part], 3)
            assert found.places[row] == (2 * row + window, first, last)
            none = (start[part, 0] + end[part, 0]).max()
            assert found.margin[row] == pytest.approx(score - none, abs=1e-5)


def test_probabilities_leave_out_what_is_not_allowed() -> None:
    start = np.array([[9.0, 0.0, 0.0, 50.0]], np.float32)
    allowed = np.array([[False, True, True, False]])
    found = spans.best(start, start, allowed, row_W=np.array([0]), num_rows=1, longest=1, with_none=False)
    assert found.places == [(0, 1, 1)]
    assert found.probability[0] == pytest.approx(0.25)  # one of two beginnings, one of two ends
    assert found.none[0] == 0.0


def test_a_row_without_any_context_has_no_span() -> None:
    logits = np.zeros((1, 3), np.float32)
    found = spans.best(logits, logits, np.zeros((1, 3), bool), row_W=np.array([0]), num_rows=1, longest=5, with_none=True)
    assert found.probability[0] == 0.0
    assert found.none[0] == pytest.approx(1.0)


def test_sentences_end_at_full_stops_and_not_in_numbers() -> None:
    assert spans.sentences("It is 2.4 km. Was it? Yes") == ["It is 2.4 km.", "Was it?", "Yes"]
    assert spans.sentences("") == [""]


def test_the_nearest_sentence_shares_the_most_words() -> None:
    context = "Tea grows in May. The clock has one hand. Nobody minds."
    assert spans.nearest_sentence(context, "How many hands has the clock?") == "The clock has one hand."
    assert spans.first_sentence(context, "How many?") == "Tea grows in May."
