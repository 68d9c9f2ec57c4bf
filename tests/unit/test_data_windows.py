"""Windows over long rows: nothing is lost, nothing is answered for twice, and places lead back into the text."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import processors

from finetune.data import windows
from finetune.data.text import TextProcessor
from tests.unit import small_tokenizer


def pairs() -> TextProcessor:
    """`a [SEP] b` with the second text of type 1."""
    made = small_tokenizer.processor()
    made.tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return made


def words_of(parts: list[windows.Window]) -> list[int]:
    return [int(word) for window in parts for word in window["word"] if word != windows.NOWHERE]


def test_a_word_is_answered_for_by_its_first_sub_token() -> None:
    (only,), = windows.of_words([["a", "b-c", "d"]], small_tokenizer.processor(), max_tokens=16, overlap=2)
    assert only["word"].tolist() == [-1, 0, 1, -1, -1, 2, -1]  # [CLS] a b - c d [SEP]


@pytest.mark.parametrize("num_words", [1, 6, 7, 23, 60])
@pytest.mark.parametrize("overlap", [0, 1, 2])
def test_every_word_is_answered_for_once(num_words: int, overlap: int) -> None:
    row = [("a", "b-c", "d")[number % 3] for number in range(num_words)]
    (parts,) = windows.of_words([row], small_tokenizer.processor(), max_tokens=8, overlap=overlap)
    assert sorted(words_of(parts)) == list(range(num_words))
    assert all(len(window["input_ids"]) <= 8 for window in parts)


def test_a_word_in_two_windows_belongs_to_that_which_sees_more_around_it() -> None:
    # Six tokens of text a window, two of them shared: words 4 and 5 are seen twice.
    (first, second), = windows.of_words([["a"] * 10], small_tokenizer.processor(), max_tokens=8, overlap=2)
    assert first["word"].tolist() == [-1, 0, 1, 2, 3, 4, -1, -1]
    assert second["word"].tolist() == [-1, -1, 5, 6, 7, 8, 9, -1]


def test_a_word_of_which_nothing_is_left_is_nowhere() -> None:
    (only,), = windows.of_words([["a", "", "b"]], small_tokenizer.processor(), max_tokens=8, overlap=0)
    assert words_of([only]) == [0, 2]


def test_a_row_without_words_is_one_window() -> None:
    (only,), = windows.of_words([[]], small_tokenizer.processor(), max_tokens=8, overlap=0)
    assert only["input_ids"] == [2, 3]


def test_offsets_lead_back_into_the_context_and_nowhere_else() -> None:
    context = "a b c d e f a b c"
    (parts,) = windows.of_pairs(["d e"], [context], pairs(), max_tokens=9, overlap=2)
    assert len(parts) == 4  # four tokens of context a window, two of them shared
    for window in parts:
        inside = window["offsets"][:, 0] >= 0
        assert inside.tolist() == [False] * 4 + [True] * (len(inside) - 5) + [False]
        assert [context[first:after] for first, after in window["offsets"][inside]] == [
            small_tokenizer.WORDS[token] for token, is_inside in zip(window["input_ids"], inside, strict=True) if is_inside]
    seen = {int(first) for window in parts for first, _ in window["offsets"] if first >= 0}
    assert seen == {0, 2, 4, 6, 8, 10, 12, 14, 16}


def test_a_question_takes_half_of_a_window_at_most() -> None:
    (parts,) = windows.of_pairs(["a b c d e f " * 5], ["a b"], pairs(), max_tokens=12, overlap=0)
    (only,) = parts
    assert only["input_ids"] == [2, 4, 5, 6, 7, 8, 9, 3, 4, 5, 3]


def test_padding_stands_for_nothing() -> None:
    made = small_tokenizer.processor()
    (long,), (short,) = windows.of_words([["a", "b"], ["a"]], made, max_tokens=8, overlap=0)
    inputs = made.padded([long, short])
    np.testing.assert_array_equal(inputs["input_ids"], [[2, 4, 5, 3], [2, 4, 3, 0]])
    np.testing.assert_array_equal(inputs["attention_mask"], [[1, 1, 1, 1], [1, 1, 1, 0]])


@pytest.mark.parametrize("max_tokens", [16, 17, 20, 64])
def test_a_long_question_leaves_room_for_the_context_with_four_special_tokens(max_tokens: int) -> None:
    made = pairs()
    made.tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    context = " ".join("abcdef" * 12)
    (parts,) = windows.of_pairs([" ".join("abcd" * 20)], [context], made, max_tokens=max_tokens, overlap=max_tokens // 4)
    assert all(len(window["input_ids"]) <= max_tokens for window in parts)
    shown = {start for window in parts for start, _ in window["offsets"].tolist() if start >= 0}
    assert shown == set(range(0, len(context), 2))
