"""The best span of words over all windows of a row, and sentences as answers to be beaten."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finetune.metrics.answers import words

if TYPE_CHECKING:
    from finetune.contracts import Array

# A full stop ends a sentence where a blank follows; the marks of Chinese and Japanese do without.
_SENTENCE = re.compile(r"[^.!?\u3002\uff01\uff1f]+(?:[.!?]+(?!\s)[^.!?\u3002\uff01\uff1f]+)*[.!?\u3002\uff01\uff1f]*")


@dataclass(frozen=True, slots=True)
class Best:
    """Of each row: window, first and last position of its best span; how far that beats no answer; probabilities."""

    places: list[tuple[int, int, int]]
    margin: Array
    probability: Array
    none: Array


def best(start_WT: Array, end_WT: Array, allowed_WT: Array, *, row_W: Array, num_rows: int, longest: int,
         with_none: bool) -> Best:
    """The span with the highest sum of logits within one window, of at most `longest` positions.

    Probabilities are over all allowed places of all windows of a row and, `with_none`, the first position of each;
    without it no answer has none, and the margin is infinite.
    """
    import numpy as np

    places, margin, sure, none = [], *np.zeros((3, num_rows))
    for row in range(num_rows):
        numbers = np.flatnonzero(row_W == row)
        start, end, allowed = (array[numbers].astype(np.float64) for array in (start_WT, end_WT, allowed_WT))
        open_ = allowed.astype(bool)
        scores = [_best_of_one(*of_one, longest=longest) for of_one in zip(start, end, open_, strict=True)]
        number = max(range(len(scores)), key=lambda one: scores[one][0])
        score, first, last = scores[number]
        places.append((int(numbers[number]), first, last))
        if with_none:
            open_[:, 0] = True
        total = sum(_log_sum(logits[open_]) for logits in (start, end))
        without = float((start[:, 0] + end[:, 0]).max())
        margin[row] = score - without if with_none else np.inf
        sure[row] = np.exp(score - total)
        none[row] = np.exp(without - total) if with_none else 0.0
    return Best(places, margin, sure, none)


def _best_of_one(start_T: Array, end_T: Array, allowed_T: Array, *, longest: int) -> tuple[float, int, int]:
    """Score, first and last position of the best span of one window; minus infinity where nothing is allowed."""
    import numpy as np

    starts, ends = (np.where(allowed_T, logits, -np.inf) for logits in (start_T, end_T))
    sums = [starts[: len(starts) - size] + ends[size:] for size in range(min(longest, len(starts)))]
    size = max(range(len(sums)), key=lambda one: sums[one].max())
    first = int(sums[size].argmax())
    return float(sums[size][first]), first, first + size


def _log_sum(logits: Array) -> float:
    import numpy as np

    highest = logits.max(initial=-np.inf)
    return float(highest + np.log(np.exp(logits - highest).sum())) if np.isfinite(highest) else 0.0


def sentences(context: str) -> list[str]:
    """The sentences of a text."""
    return [found.strip() for found in _SENTENCE.findall(context) if found.strip()] or [context]


def first_sentence(context: str, question: str) -> str:  # noqa: ARG001  # as the other one
    """The first sentence, whatever is asked."""
    return sentences(context)[0]


def nearest_sentence(context: str, question: str) -> str:
    """The sentence that shares the most words with the question; the first of several."""
    asked = set(words(question))
    return max(sentences(context), key=lambda sentence: len(asked & set(words(sentence))))
