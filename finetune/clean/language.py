"""Rows in another language than the training rows: in another script, or made of another language's small words.

No model: a row counts as foreign only if it says so itself, so names, slang and short texts pass. What is usual is
learnt from the training rows; where those are of many languages, nothing is foreign.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.clean.scripts import NAMES, scripts
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 70
kinds: tuple[str, ...] = ("text",)
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

MIN_ROWS = 20  # training rows with a known script or language: below, nothing is usual yet
USUAL = 0.8  # share of them that is of one script, of one language
MIN_LETTERS, MIN_SIGNS = 12, 4  # of another script; signs of Chinese, Japanese and Korean say more than letters
MIN_WORDS, MIN_HITS = 5, 3  # of a Latin text; different small words of another language in it
SAMPLE = 5_000  # training rows from which the usual language is learnt
DENSE = ("Chinese", "Japanese", "Korean", "Thai", "Lao", "Khmer", "Burmese")

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Rows of one table that are in another language than most of its rows."""
    return learn(table, roles)(table, roles)


def learn(train: pa.Table, roles: Mapping[str, str]) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """The rule for every split: what is usual in the training rows is usual in all."""
    usual = {column: _usual(train[column]) for column, kind in roles.items() if kind == "text"}

    def against(table: pa.Table, _: Mapping[str, str]) -> Findings:
        found: list[tuple[int, str, str, str, None]] = []
        counts: Counter[str] = Counter()
        for column, (script, language) in usual.items():
            foreign = _other_script(table[column], script) if script else {}
            if language:
                foreign |= _other_language(table[column], language)
            counts.update(foreign.values())
            here = "" if script is None else f", the training rows are {language or script}"
            found += [(row, column, f"column {column!r} looks {foreign[row]}{here}", table[column][row].as_py(), None)
                      for row in sorted(foreign)]
        return Findings(*zip(*found, strict=True), counts=dict(sorted(counts.items()))) if found else Findings()

    return against


def _usual(texts: pa.ChunkedArray) -> tuple[str | None, str | None]:
    """The script and the language that most texts are of, None where there is no such majority."""
    import numpy as np

    sample = texts.take(np.arange(0, len(texts), max(1, len(texts) // SAMPLE)))
    script = _majority([NAMES[number] for number in scripts(sample)[0] if number])
    if script != "Latin":
        return script, None
    return script, _majority([said[0] for text in sample.to_pylist() if (said := _said(text or ""))])


@cache
def _small_words() -> dict[str, frozenset[str]]:
    """Language to its smallest words, of languages written in Latin letters."""
    lines = Path(__file__).with_name("small_words.txt").read_text(encoding="utf-8").splitlines()[1:]
    return {name: frozenset(words.split()) for name, _, words in (line.partition(":") for line in lines)}


def _majority(names: Sequence[str]) -> str | None:
    name, number = Counter(names).most_common(1)[0] if names else ("", 0)
    return name if len(names) >= MIN_ROWS and number >= USUAL * len(names) else None


def _other_script(texts: pa.ChunkedArray, usual: str) -> dict[int, str]:
    import numpy as np

    script, letters = scripts(texts)
    own = {usual, "Chinese"} if usual == "Japanese" else {usual}  # short Japanese texts may have no syllable sign
    enough = np.where(np.isin(script, [NAMES.index(name) for name in DENSE]), MIN_SIGNS, MIN_LETTERS)
    if usual in DENSE:  # brands and loan words stand in Latin letters there: it takes a sentence
        enough = np.where(script == NAMES.index("Latin"), 4 * MIN_LETTERS, enough)
    foreign = ~np.isin(script, [0, *(NAMES.index(name) for name in own)]) & (letters >= enough)
    return {int(row): NAMES[script[row]] for row in np.flatnonzero(foreign)}


def _other_language(texts: pa.ChunkedArray, usual: str) -> dict[int, str]:
    """Latin texts whose small words are of another language; those with two of their own are not looked into."""
    import pyarrow.compute as pc

    others = frozenset().union(*(words for name, words in _small_words().items() if name != usual))
    own = "|".join(map(re.escape, sorted(_small_words()[usual] - others)))
    edge = r"[\s\pP]"
    at_home = pc.match_substring_regex(texts, rf"(?i)(?:^|{edge})(?:{own}){edge}(?:.*{edge})?(?:{own})(?:$|{edge})")
    long = pc.match_substring_regex(texts, rf"(?:\S+\s+){{{MIN_WORDS - 1}}}\S")
    rows = pc.indices_nonzero(pc.and_not(long, at_home))
    said = {row: _said(text) for row, text in zip(rows.to_pylist(), texts.take(rows).to_pylist(), strict=True)}
    return {row: name for row, (name, margin) in ((row, found) for row, found in said.items() if found)
            if name != usual and margin >= 2}


def _said(text: str) -> tuple[str, float] | None:
    """The language whose small words a text has most of, and how many times more than English or the next one."""
    words = WORD.findall(text.casefold())
    distinct = set(words)
    hits = sorted(((len(distinct & small), name) for name, small in _small_words().items()), reverse=True)
    (most, name), (next_most, _) = hits[:2]
    share = sum(word in _small_words()[name] for word in words) / max(len(words), 1)
    if most < MIN_HITS or share < 0.2 or most == next_most:
        return None
    return name, most / max(next_most, 1)
