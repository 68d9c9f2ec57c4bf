"""Greedy and beam search in numpy, token for token as transformers 4.57 and later have them.

Shape letters: B rows, K beams, V vocabulary, L longest text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array, Decoding
    from finetune.data.text import Marks

NEVER = np.float32(-1e9)  # the score of what must not be chosen


class Step(Protocol):
    """A decoder that remembers what it has seen."""

    def __call__(self, tokens: Array, order: Array | None) -> Array:
        """Logits (N, V) after one more token of each of N texts, which go on from those at `order`, None: the same."""


def greedy(step: Step, rows: int, *, decoding: Decoding, marks: Marks) -> Array:
    """The likeliest token at every step: ids (B, up to max_tokens), the start left out, padded behind the end."""
    tokens, ended = np.full(rows, marks.start_id), np.zeros(rows, dtype=bool)
    chosen: list[Array] = []
    while len(chosen) < decoding.max_tokens and not ended.all():
        logits_BV = _allowed(step(tokens, None), len(chosen), decoding=decoding, marks=marks)
        tokens = np.where(ended, marks.pad_id, logits_BV.argmax(axis=1))
        ended |= tokens == marks.end_id
        chosen.append(tokens)
    return np.stack(chosen, axis=1)


def beam(step: Step, rows: int, *, decoding: Decoding, marks: Marks) -> Array:
    """The likeliest text that K beams find: ids as `greedy` gives them.

    A finished text scores the sum of its log probabilities over its length to the power of the length penalty. A row is
    done when the best open beam, scored at its length so far, is behind the worst of K finished texts.
    """
    num_beams = decoding.num_beams
    search = _Search.begin(rows, decoding, marks)
    tokens, order = np.full(rows * num_beams, marks.start_id), None
    for length in range(decoding.max_tokens):
        logits = _log_softmax(step(tokens, order))
        log_probs = _allowed(logits, length, decoding=decoding, marks=marks).reshape(rows, num_beams, -1)
        origin_BK = search.extend(log_probs, length)
        if not search.open.any():
            break
        tokens = search.running[:, :, length].reshape(-1)
        order = (origin_BK + np.arange(rows)[:, None] * num_beams).reshape(-1)
    return _trimmed(search.texts[:, 0], marks)


@dataclass(slots=True)
class _Search:
    """The open beams of every row and the best texts that were finished."""

    decoding: Decoding
    marks: Marks
    running: Array  # ids of the open beams, BKL
    running_scores: Array  # BK
    texts: Array  # ids of the best finished texts, best first, BKL
    scores: Array  # BK
    finished: Array  # whether it is one at all, BK
    open: Array  # whether the row may still get better, B1

    @classmethod
    def begin(cls, rows: int, decoding: Decoding, marks: Marks) -> _Search:
        shape = (rows, decoding.num_beams)
        texts = np.full((*shape, decoding.max_tokens), marks.pad_id)
        running_scores = np.full(shape, NEVER)
        running_scores[:, 0] = 0  # all beams begin alike, and only the first may be gone on from
        return cls(decoding, marks, texts, running_scores, texts.copy(), np.full(shape, NEVER),
                   np.zeros(shape, dtype=bool), np.ones((rows, 1), dtype=bool))

    def extend(self, log_probs_BKV: Array, length: int) -> Array:
        """Every beam one token on, from `length` tokens; returns from which beam each one goes on, (B, K)."""
        num_beams, vocabulary = log_probs_BKV.shape[1:]
        total = (log_probs_BKV + self.running_scores[:, :, None]).reshape(len(log_probs_BKV), -1)
        best = _top(total, 2 * num_beams)  # so many that beams are left even where K of them end
        scores, origin = np.take_along_axis(total, best, 1), best // vocabulary
        texts = np.take_along_axis(self.running, origin[:, :, None], 1)
        texts[:, :, length] = best % vocabulary
        ends = (texts[:, :, length] == self.marks.end_id) | (length + 1 >= self.decoding.max_tokens)
        self._finish(texts, scores, ends=ends, length=length + 1)
        going_on = scores + ends * NEVER
        kept = _top(going_on, num_beams)
        self.running = np.take_along_axis(texts, kept[:, :, None], 1)
        self.running_scores = np.take_along_axis(going_on, kept, 1)
        self._close(length + 1)
        return np.take_along_axis(origin, kept, 1)

    def _finish(self, texts: Array, scores: Array, *, ends: Array, length: int) -> None:
        """Take texts that have ended among the best K, if they are; those behind the first K are only a reserve."""
        ended = ends & (np.arange(scores.shape[1]) < self.decoding.num_beams)
        scores = scores / np.float32(length**self.decoding.length_penalty)
        scores = scores + ~self.open * NEVER + ~ended * NEVER
        merged = np.concatenate([self.scores, scores], axis=1)
        kept = _top(merged, self.decoding.num_beams)
        self.scores = np.take_along_axis(merged, kept, 1)
        self.finished = np.take_along_axis(np.concatenate([self.finished, ended], axis=1), kept, 1)
        self.texts = np.take_along_axis(np.concatenate([self.texts, texts], axis=1), kept[:, :, None], 1)

    def _close(self, length: int) -> None:
        """Rows in which no open beam can get better than what is finished."""
        hope = self.running_scores[:, :1] / np.float32(length**self.decoding.length_penalty)
        worst = np.where(self.finished, self.scores.min(axis=1, keepdims=True), NEVER)
        self.open &= (hope > worst).any(axis=1, keepdims=True)


def _allowed(scores_NV: Array, length: int, *, decoding: Decoding, marks: Marks) -> Array:
    """The scores with what may not follow at this length set to minus infinity."""
    if length == 0 and marks.first_id is not None:
        forced = np.full_like(scores_NV, -np.inf)
        forced[:, marks.first_id] = 0
        return forced
    if length < decoding.min_tokens:
        scores_NV = scores_NV.copy()
        scores_NV[:, marks.end_id] = -np.inf
    return scores_NV


def _top(scores: Array, number: int) -> Array:
    """Positions of the largest in every line, largest first, of equal ones the first."""
    number = min(number, scores.shape[1])
    few = np.sort(np.argpartition(-scores, number - 1, axis=1)[:, :number], axis=1)
    order = np.argsort(-np.take_along_axis(scores, few, 1), axis=1, kind="stable")
    return np.take_along_axis(few, order, 1)


def _log_softmax(logits_NV: Array) -> Array:
    shifted = logits_NV - logits_NV.max(axis=1, keepdims=True)
    log_probs: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log_probs


def _trimmed(texts_BL: Array, marks: Marks) -> Array:
    """What follows the end made padding, and columns of padding alone cut off."""
    behind = np.cumsum(texts_BL == marks.end_id, axis=1) - (texts_BL == marks.end_id) > 0
    texts_BL = np.where(behind, marks.pad_id, texts_BL)
    longest = int((~behind).sum(axis=1).max())
    return texts_BL[:, :longest]
