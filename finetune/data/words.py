"""Plain text cut into words with their places, in the manner of the files that taggers learn from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# Blanks part words, punctuation at their ends stands alone, and so does the 's of English; what is inside stays.
_WORD = re.compile(r"[@#]?\w+(?:[^\w\s]\w+)*?(?=['\u2019]s\b)|['\u2019]s\b|[@#]?\w+(?:[^\w\s]\w+)*|[^\w\s]")
_CHARACTER = re.compile(r"\S")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def places(text: str, *, characters: bool) -> list[tuple[int, int]]:
    """Where each word of a text begins and ends; with `characters` each one that is no blank is a word."""
    return [match.span() for match in (_CHARACTER if characters else _WORD).finditer(text)]


def are_characters(rows: Iterable[Sequence[str]]) -> bool:
    """Whether the words of these rows are single characters of a script without blanks, as in Chinese."""
    num_letters = num_alone = 0
    for row in rows:
        for word in row:
            num_letters += bool(_UNSPACED.search(word))
            num_alone += len(word) == 1 and bool(_UNSPACED.fullmatch(word))
    return num_alone > 0.9 * num_letters if num_letters else False
