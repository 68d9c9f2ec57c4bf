"""Strict F1 of entities: by hand, at the edges, and against another way of counting."""

from __future__ import annotations

import re

import numpy as np
import pytest

from finetune.metrics import entities

TYPES = ("LOC", "PER")


def scored(*pairs: tuple[str, str]) -> dict[str, float]:
    counts = np.stack([entities.counts(target.split(), prediction.split(), TYPES) for target, prediction in pairs])
    return entities.scores(counts, TYPES)


def test_spans_end_where_another_begins() -> None:
    assert entities.spans(["B-PER", "I-PER", "B-PER", "O", "B-LOC"]) == [(0, 2, "PER"), (2, 3, "PER"), (4, 5, "LOC")]


def test_an_inside_of_another_type_begins_a_span() -> None:
    assert entities.spans(["I-PER", "I-LOC", "I-LOC", "O", "I-PER"]) == [(0, 1, "PER"), (1, 3, "LOC"), (4, 5, "PER")]


def test_scores_are_those_computed_by_hand() -> None:
    # There: PER 0-2, LOC 3-4, PER 0-1, LOC 1-2. Found: PER 0-2 (right), LOC 3-5 (too long), PER 1-2 (not LOC).
    found = scored(("B-PER I-PER O B-LOC O", "B-PER I-PER O B-LOC I-LOC"), ("B-PER B-LOC", "O B-PER"))
    assert found["precision"] == pytest.approx(1 / 3)
    assert found["recall"] == pytest.approx(1 / 4)
    assert found["f1"] == pytest.approx(2 / 7)
    assert found["per_class"][0] == {"label": "LOC", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 2, "counted": "entity"}
    assert found["per_class"][1] == {"label": "PER", "precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2, "counted": "entity"}
    assert found["f1_macro"] == pytest.approx(0.25)


@pytest.mark.parametrize(("target", "prediction", "expected"), [
    ("O O", "O O", (0.0, 0.0, 0.0)),  # no entity at all
    ("B-PER O", "O O", (0.0, 0.0, 0.0)),  # nothing found
    ("O O", "B-PER O", (0.0, 0.0, 0.0)),  # all invented
    ("B-PER I-PER", "B-PER I-PER", (1.0, 1.0, 1.0)),
    ("", "", (0.0, 0.0, 0.0)),  # no words
])
def test_edges_have_a_value(target: str, prediction: str, expected: tuple[float, float, float]) -> None:
    found = scored((target, prediction))
    assert (found["precision"], found["recall"], found["f1"]) == expected


def test_a_type_that_nobody_met_is_left_out_of_the_mean() -> None:
    assert scored(("B-PER", "B-PER"))["f1_macro"] == 1.0


def by_pattern(tags: list[str]) -> set[tuple[int, int, str]]:
    """Spans by a regular expression over one letter a tag: another road to the same count."""
    found = set()
    for kind in TYPES:
        letters = "".join("b" if tag == f"B-{kind}" else "i" if tag == f"I-{kind}" else "o" for tag in tags)
        found |= {(match.start(), match.end(), kind) for match in re.finditer("bi*|(?<![bi])i+", letters)}
    return found


def test_thousand_random_rows_count_as_a_pattern_counts_them() -> None:
    random = np.random.default_rng(0)
    names = ["O", *(f"{letter}-{kind}" for kind in TYPES for letter in "BI")]
    counts, there, found, both = [], 0, 0, 0
    for _ in range(1000):
        target, prediction = (random.choice(names, size=random.integers(0, 12)).tolist() for _ in range(2))
        counts.append(entities.counts(target, prediction, TYPES))
        a, b = by_pattern(target), by_pattern(prediction)
        there, found, both = there + len(a), found + len(b), both + len(a & b)
    scores = entities.scores(np.stack(counts), TYPES)
    assert scores["f1"] == pytest.approx(2 * both / (there + found))
    assert scores["recall"] == pytest.approx(both / there)
    assert both > 0
