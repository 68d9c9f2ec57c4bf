"""Greedy and beam search on a decoder that is a table; against `generate` in test_export_generate."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from finetune.contracts import Decoding
from finetune.data.text import Marks
from finetune.export import beams

PAD, END, SIZE = 0, 1, 6
MARKS = Marks(start_id=0, end_id=END, pad_id=PAD)


class Table:
    """Logits that depend on the row and on the last token; follows the beams as a cache does."""

    def __init__(self, rows: int, beams: int, seed: int = 0) -> None:
        self.logits = np.random.default_rng(seed).normal(size=(rows, SIZE, SIZE)).astype(np.float32) * 2
        self.rows, self.texts = np.repeat(np.arange(rows), beams), np.zeros((rows * beams, 0), dtype=int)

    def __call__(self, tokens: Any, order: Any) -> Any:
        self.texts = np.concatenate([self.texts if order is None else self.texts[order], tokens[:, None]], axis=1)
        return self.logits[self.rows, tokens]


def decoding(**changes: Any) -> Decoding:
    return Decoding(**{"num_beams": 1, "max_tokens": 5, "min_tokens": 0, "length_penalty": 1.0} | changes)


def best(table: Table, row: int, settings: Decoding) -> list[int]:
    """The text with the highest score of all texts there are."""
    found, top = [], -np.inf
    for length in range(1, settings.max_tokens + 1):
        for text in product(range(SIZE), repeat=length):
            if END in text[:-1] or (text[-1] != END and length < settings.max_tokens) or (END in text and length <= settings.min_tokens):
                continue
            before, total = MARKS.start_id, 0.0
            for token in text:
                line = table.logits[row, before]
                total += line[token] - np.log(np.exp(line).sum())
                before = token
            if total / length**settings.length_penalty > top:
                found, top = list(text), total / length**settings.length_penalty
    return found


def test_greedy_takes_the_likeliest_token() -> None:
    table = Table(3, 1)
    found = beams.greedy(table, 3, decoding=decoding(), marks=MARKS)
    for row, text in enumerate(found.tolist()):
        before = MARKS.start_id
        for token in text[: text.index(END) + 1 if END in text else None]:
            assert token == table.logits[row, before].argmax()
            before = token


def test_what_follows_the_end_is_padding() -> None:
    for num_beams, search in ((1, beams.greedy), (3, beams.beam)):
        found = search(Table(20, num_beams, seed=1), 20, decoding=decoding(num_beams=num_beams), marks=MARKS)
        ended = [text for text in found.tolist() if END in text[:-1]]
        assert ended
        assert all(set(text[text.index(END) + 1:]) <= {PAD} for text in ended)


@pytest.mark.parametrize("settings", [{}, {"length_penalty": 0.0}, {"min_tokens": 2}])
def test_with_beams_enough_the_best_of_all_texts_is_found(settings: dict[str, Any]) -> None:
    wide = decoding(num_beams=24, max_tokens=3, **settings)
    table = Table(6, 24, seed=2)
    found = beams.beam(table, 6, decoding=wide, marks=MARKS).tolist()
    for row, text in enumerate(found):
        written = text[: text.index(END) + 1] if END in text else text
        if settings.get("length_penalty", 1.0) == 0.0 or len(best(table, row, wide)) <= len(written):
            assert written == best(table, row, wide)


def test_no_text_ends_too_early() -> None:
    for num_beams, search in ((1, beams.greedy), (4, beams.beam)):
        found = search(Table(30, num_beams, seed=3), 30, decoding=decoding(num_beams=num_beams, min_tokens=3), marks=MARKS)
        assert END not in found[:, :3]
        assert END in found[:, 3:]


def test_the_first_token_is_the_one_that_the_backbone_was_taught() -> None:
    marks = Marks(start_id=0, end_id=END, pad_id=PAD, first_id=5)
    for num_beams, search in ((1, beams.greedy), (3, beams.beam)):
        assert set(search(Table(4, num_beams), 4, decoding=decoding(num_beams=num_beams), marks=marks)[:, 0]) == {5}


def test_a_larger_length_penalty_gives_no_shorter_texts() -> None:
    lengths = []
    for penalty in (-2.0, 0.0, 2.0):
        found = beams.beam(Table(40, 4, seed=4), 40, decoding=decoding(num_beams=4, length_penalty=penalty), marks=MARKS)
        lengths.append(float((found != PAD).sum()))
    assert lengths[0] < lengths[1] < lengths[2]


def test_a_row_is_written_alike_alone_and_beside_others() -> None:
    together = beams.beam(Table(8, 3, seed=5), 8, decoding=decoding(num_beams=3), marks=MARKS)
    for row in range(8):
        alone = Table(8, 3, seed=5)
        alone.logits, alone.rows = alone.logits[row: row + 1], np.zeros(3, dtype=int)
        alone.texts = alone.texts[:3]
        found = beams.beam(alone, 1, decoding=decoding(num_beams=3), marks=MARKS)[0].tolist()
        assert found == together[row].tolist()[: len(found)]
