"""Texts longer than the model takes as windows that overlap, each part of a text answered for by one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finetune.contracts import Array
    from finetune.data.text import TextProcessor

Window = dict[str, Any]  # inputs by name, and what its positions stand for
NOWHERE = -1  # a position that stands for nothing: special tokens, padding, sub-tokens after the first, the question


def of_words(rows: Sequence[Sequence[str]], processor: TextProcessor, *, max_tokens: int,
             overlap: int, spaced: bool = True) -> list[list[Window]]:
    """The windows of each row of words; `word` says which word a position answers for, or NOWHERE.

    That is the first sub-token of a word, in the window that sees most on both sides of it. So each word is answered
    for once, but for words of which the tokenizer leaves nothing.
    """
    _cut(processor, max_tokens, overlap, strategy="longest_first")
    # Tokenizers that keep blanks (byte-level BPE) know a word by the blank before it.
    asked = [[f" {word}" if place and spaced else word for place, word in enumerate(row)] for row in rows]
    return [_decided([_window(part, processor) | {"word": _firsts(part)} for part in (first, *first.overflowing)])
            for first in processor.tokenizer.encode_batch(asked, is_pretokenized=True)]


def of_pairs(questions: Sequence[str], contexts: Sequence[str], processor: TextProcessor, *, max_tokens: int,
             overlap: int) -> list[list[Window]]:
    """The windows of each context beside its whole question; `offsets` (T, 2) are the characters of each position.

    A position of anything but the context is NOWHERE. A question may fill half of a window, the rest of it is cut.
    """
    import numpy as np

    room = min(max_tokens, processor.max_tokens)
    processor.tokenizer.no_truncation()
    heads = processor.tokenizer.encode_batch(list(questions), add_special_tokens=False)
    # Of the context more than what overlaps has to fit in beside it.
    special = processor.tokenizer.num_special_tokens_to_add(is_pair=True)
    most = min(room // 2, room - special - min(overlap, room // 4) - 1)
    short = [text[: head.offsets[most - 1][1]] if len(head.ids) > most else text
             for text, head in zip(questions, heads, strict=True)]
    _cut(processor, max_tokens, overlap, strategy="only_second")
    found = []
    for first in processor.tokenizer.encode_batch(list(zip(short, contexts, strict=True))):
        windows = []
        for part in (first, *first.overflowing):
            places = [offsets if sequence == 1 else (NOWHERE, NOWHERE)
                      for offsets, sequence in zip(part.offsets, part.sequence_ids, strict=True)]
            windows.append(_window(part, processor) | {"offsets": np.asarray(places, np.int64)})
        found.append(windows)
    return found


def _cut(processor: TextProcessor, max_tokens: int, overlap: int, *, strategy: str) -> None:
    """Half a window at least is new, whatever the overlap; a quarter, where half of it is the question."""
    room = min(max_tokens, processor.max_tokens)
    processor.tokenizer.enable_truncation(room, stride=min(overlap, room // 4), strategy=strategy)


def _window(encoding: Any, processor: TextProcessor) -> Window:
    found = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask, "token_type_ids": encoding.type_ids}
    return {name: found[name] for name in processor.inputs}


def _firsts(encoding: Any) -> Array:
    """The word of each position that is its first sub-token in this window, else NOWHERE."""
    import numpy as np

    words = np.array([NOWHERE if word is None else word for word in encoding.word_ids], np.int64)
    words[1:][words[1:] == words[:-1]] = NOWHERE
    return words


def _decided(windows: list[Window]) -> list[Window]:
    """Each word in one window alone: the one in which it stands furthest from an end that is not the text's."""
    best: dict[int, tuple[float, int]] = {}
    endless = float("inf")
    for number, window in enumerate(windows):
        places = (window["word"] != NOWHERE).nonzero()[0].tolist()
        for place in places:
            left = place if number else endless
            right = len(window["word"]) - 1 - place if number < len(windows) - 1 else endless
            word = int(window["word"][place])
            best[word] = max(best.get(word, (-1.0, 0)), (min(left, right), -number))
    for number, window in enumerate(windows):
        word = window["word"]
        for place in (word != NOWHERE).nonzero()[0].tolist():
            if best[int(word[place])][1] != -number:
                word[place] = NOWHERE
    return windows
