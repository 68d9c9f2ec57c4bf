"""Changes to a training text: slips of the pen, words left out, exchanged, or put in other words.

Rates are those of Wei and Zou 2019, "EDA", section 3.3: one word in ten. Where a script is written without spaces, its
characters stand for words. A text that has words keeps one at least.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from finetune.data.augment import names as names_of

if TYPE_CHECKING:
    import numpy as np

    from finetune.contracts import Draw

RATE = 0.1
MIN_LETTERS = 4  # of a word that a slip leaves recognisable
# First and last letters of scripts without spaces: Thai, Lao, Burmese, Khmer, kana, Chinese characters.
UNSPACED = ((0xE01, 0xE7F), (0xE81, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3041, 0x30FF), (0x3400, 0x4DBF),
            (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
NAMES = ("typos", "drop_words", "swap_words", "synonyms")


def problems(names: Sequence[str], synonyms: str | None) -> list[str]:
    """What is wrong with `task.augmentations` and `task.synonyms`, the lines of its file included."""
    found = names_of.problems(names, NAMES)
    if "synonyms" in names and synonyms is None:
        found.append("task.synonyms: no file is given, and task.augmentations names synonyms. Add task.synonyms=FILE, "
                     "one group of words a line, separated by commas.")
    if synonyms is None:
        return found
    from finetune.data.augment import synonyms as table

    if "synonyms" not in names:
        found.append(f"task.synonyms: {synonyms} is given but not used. Add synonyms to task.augmentations, or leave "
                     "it out.")
    return found + table.problems(synonyms)


def changed(text: str, names: Sequence[str], draw: Draw, *, synonyms: str | None = None) -> str:
    """The text after every change, in the order of the names."""
    for name in names:
        change = partial(in_other_words, file=str(synonyms)) if name == "synonyms" else CHANGES[name]
        text = change(text, draw.stream(name))
    return text


def typos(text: str, random: np.random.Generator) -> str:
    """One word in ten with two letters exchanged, one left out or one doubled; words of three letters stay.

    Where characters stand for words, one character in ten meets the same.
    """
    words, gaps = parts(text)
    for place in (random.random(len(words)) < RATE).nonzero()[0]:
        word = words[place]
        if _unspaced(word):
            words[place : place + 2] = _slip_of_characters(words[place : place + 2], random)
        elif len(word) >= MIN_LETTERS:
            words[place] = _slip(word, random)
    return joined(words, gaps)


def drop_words(text: str, random: np.random.Generator) -> str:
    """Every word left out one time in ten, one at least stays."""
    words, gaps = parts(text)
    if len(words) < 2:
        return text
    kept = random.random(len(words)) >= RATE
    kept[random.integers(len(words))] = True
    # The gap after a word goes with it, so that no two spaces meet.
    return gaps[0] + "".join(word + gap for word, gap, stays in zip(words, gaps[1:], kept, strict=True) if stays)


def swap_words(text: str, random: np.random.Generator) -> str:
    """Two words exchanged, once for every ten words and once at least."""
    words, gaps = parts(text)
    if len(words) < 2:
        return text
    for _ in range(max(1, round(RATE * len(words)))):
        one, other = random.choice(len(words), size=2, replace=False)
        words[one], words[other] = words[other], words[one]
    return joined(words, gaps)


def in_other_words(text: str, random: np.random.Generator, *, file: str) -> str:
    """As many words and phrases as are a tenth of the words, one at least, replaced by one of their group."""
    from finetune.data.augment import synonyms

    spans = [match.span() for match in _word().finditer(text)]
    found = synonyms.read(file).occurrences(text, spans)
    most = max(1, round(RATE * len(spans)))
    chosen = sorted(random.permutation(len(found))[:most])
    for place in reversed(chosen):  # from the end, so that the places before stay what they are
        start, end, others = found[place]
        other = others[random.integers(len(others))]
        first = text[start]
        text = text[:start] + (other[0].upper() + other[1:] if first.isupper() else other) + text[end:]
    return text


def parts(text: str) -> tuple[list[str], list[str]]:
    """The words of a text and what is before, between and after them: one gap more than words."""
    words, gaps, end = [], [], 0
    for match in _word().finditer(text):
        words.append(match[0])
        gaps.append(text[end : match.start()])
        end = match.end()
    return words, [*gaps, text[end:]]


def joined(words: Sequence[str], gaps: Sequence[str]) -> str:
    """What `parts` took apart."""
    return gaps[0] + "".join(word + gap for word, gap in zip(words, gaps[1:], strict=True))


def _slip(word: str, random: np.random.Generator) -> str:
    """First and last letter stay: people read by them."""
    place = int(random.integers(1, len(word) - 2))
    kind = random.integers(3)
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + word[place + 1 :] if kind == 1 else word[: place + 1] + word[place:]


def _slip_of_characters(pair: Sequence[str], random: np.random.Generator) -> list[str]:
    """A character and the one behind it, where there is one: only then can it be exchanged or left out."""
    kind = random.integers(3) if len(pair) == 2 and _unspaced(pair[1]) else 2
    if kind == 0:
        return [pair[1], pair[0]]
    return ["" if kind == 1 else pair[0] * 2, *pair[1:]]


def _unspaced(word: str) -> bool:
    return any(first <= ord(word[0]) <= last for first, last in UNSPACED) if word else False


@cache
def _word() -> re.Pattern[str]:
    """A word, or in scripts without spaces one character and the marks above and below it."""
    points = [point for first, last in UNSPACED for point in range(first, last + 1) if first < 0x3000]
    marks = "".join(chr(point) for point in points if unicodedata.category(chr(point)).startswith("M"))
    unspaced = "".join(f"{chr(first)}-{chr(last)}" for first, last in UNSPACED)
    letter = f"[^\\W{unspaced}]"
    return re.compile(f"[{unspaced}][{marks}]*|{letter}+(?:['\u2019-]{letter}+)*")


CHANGES: dict[str, Callable[[str, np.random.Generator], str]] = {
    "typos": typos, "drop_words": drop_words, "swap_words": swap_words,
}
