"""The user's table of synonyms: one group a line, separated by commas, as in `film, movie, motion picture`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from finetune.errors import some

LONGEST = 8  # words of a phrase, or characters of a word in a script without spaces


@dataclass(frozen=True, slots=True)
class Table:
    """Words and phrases, in lower case, with what may stand in their place."""

    others: Mapping[str, tuple[str, ...]]

    def occurrences(self, text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int, tuple[str, ...]]]:
        """Start, end and alternatives of everything that the table knows in a text, the longest from the left."""
        found, first = [], 0
        while first < len(spans):
            last = next((last for last in range(min(first + LONGEST, len(spans)), first, -1)
                         if _plain(text[spans[first][0] : spans[last - 1][1]]) in self.others), 0)
            if last:
                start, end = spans[first][0], spans[last - 1][1]
                found.append((start, end, self.others[_plain(text[start:end])]))
            first = max(last, first + 1)
        return found


@cache
def read(file: str) -> Table:
    """The table in a file without `problems`."""
    others: dict[str, tuple[str, ...]] = {}
    for _, words in _lines(file):
        for word in words:
            others[_plain(word)] = tuple(other for other in words if other != word)
    return Table(others)


def problems(file: str) -> list[str]:
    """Why a file is no table of synonyms, one line for each kind of problem."""
    try:
        lines = _lines(file)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return [f"task.synonyms: {file} cannot be read ({reason}). Give a text file, one group of words a line."]
    if not lines:
        return [f"task.synonyms: {file} holds no words. Write one group a line, separated by commas: film, movie."]
    alone = [f"{file}:{number}" for number, words in lines if len(words) < 2]
    seen: dict[str, int] = {}
    twice = []
    for number, words in lines:
        for word in words:
            if _plain(word) in seen:
                twice.append(f"{word!r} ({file}:{seen[_plain(word)]} and {number})")
            seen.setdefault(_plain(word), number)
    found = []
    if alone:
        found.append(f"task.synonyms: {some(alone)}: one word alone, a group has at least 2. Write them separated by "
                     "commas: film, movie.")
    if twice:
        found.append(f"task.synonyms: {some(twice)}: a word is in the file more than once. Put its groups "
                     "together.")
    return found


def _lines(file: str) -> list[tuple[int, tuple[str, ...]]]:
    """Number and words of every line that is not empty."""
    lines = Path(file).read_text(encoding="utf-8-sig").split("\n")
    split = [(number, tuple(word.strip() for word in line.split(",") if word.strip()))
             for number, line in enumerate(lines, start=1)]
    return [(number, words) for number, words in split if words]


def _plain(phrase: str) -> str:
    return " ".join(phrase.casefold().split())
