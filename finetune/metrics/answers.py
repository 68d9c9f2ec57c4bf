"""Exact match and F1 of answers in words, as SQuAD counts them (Rajpurkar and others, EMNLP 2016, section 6.1).

Case, punctuation, articles and blanks count for nothing. Where words stand side by side, as in Chinese, each character
is a word. An empty answer says that there is none, and is right only where the row has none (Rajpurkar and others,
Know What You Don't Know, ACL 2018).
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_UNSPACED = re.compile("([\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")


def words(answer: str) -> list[str]:
    """What of an answer is compared."""
    lowered = "".join(letter for letter in answer.lower() if not _is_punctuation(letter))
    return _UNSPACED.sub(r" \1 ", _ARTICLES.sub(" ", lowered)).split()


def _is_punctuation(letter: str) -> bool:
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")


def exact(prediction: str, targets: Sequence[str]) -> float:
    """1 where the prediction is one of the answers, else 0; no answer is right where there are none."""
    found = words(prediction)
    return float(any(found == words(target) for target in targets or ("",)))


def f1(prediction: str, targets: Sequence[str]) -> float:
    """How many words prediction and answer share: the harmonic mean of both shares, with the nearest of the answers."""
    return max(_overlap(words(prediction), words(target)) for target in targets or ("",))


def _overlap(found: list[str], right: list[str]) -> float:
    if not found or not right:
        return float(found == right)
    shared = (Counter(found) & Counter(right)).total()
    return 2 * shared / (len(found) + len(right))
