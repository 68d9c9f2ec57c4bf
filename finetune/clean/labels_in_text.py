"""Texts that give their own label away: they state it, or a word stands in one label's rows and in no others.

A model learns such a mark instead of the task, and looks good until it meets a text without it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 72
kinds: tuple[str, ...] = ("text",)
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

SAMPLE = 20_000  # training rows in which marks are looked for; every row is then held against them
MIN_ROWS = 20  # of a label: below, chance makes marks
MAX_LABEL = 200  # characters; a longer one is no name that a text would state
COVERS, PURE = 0.9, 0.99  # share of the label's rows that hold a mark; share of the mark's rows that have the label

KEYS = "label|sentiment|class|category|target|tag|answer|rating|polarity|topic|intent|stance"

# RE2: no text without one of these states a label.
SIGN = rf"(?i)\b(?:{KEYS})['\"]?\s?[:=]|__label__|^\s*[\[<{{][^\]>}}]+[\]>}}]|[\[<{{][^\[<{{]+[\]>}}]\s*$"


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Rows of one table that give their label away."""
    return learn(table, roles)(table, roles)


def learn(train: pa.Table, roles: Mapping[str, str]) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """The rule for every split: it looks for the labels and the marks of the training rows."""
    column = next((name for name, kind in roles.items() if kind == "label"), None)
    if column is None:
        return lambda *_: Findings()
    labels = sorted({label for label in train[column].unique().to_pylist() if label and len(label) <= MAX_LABEL})
    stated = _stated(labels)
    texts = [name for name, kind in roles.items() if kind == "text"]
    marks = {name: _marks(train, name, label=column) for name in texts}

    def among(table: pa.Table, _: Mapping[str, str]) -> Findings:
        found = [(row, name, reason, cell, None) for name in texts
                 for row, cell, reason in _givers(table, name, stated=stated, marks=marks[name])]
        return Findings(*zip(*found, strict=True)) if found else Findings()

    return among


def _stated(labels: Iterable[str]) -> re.Pattern[str]:
    """What a stated label looks like.

    `label: positive`, `__label__positive`, and at either end of a text `[positive]`, `[POS]`. A label of digits counts
    only behind its key, since `[1]` is a footnote.
    """
    names = sorted(labels, key=len, reverse=True)
    spelt = "|".join(map(re.escape, names)) or "$^"
    words = [name for name in names if re.search(r"[^\W\d_]{3}", name)]
    short = [name[:3].upper() for name in words]
    framed = [f"(?i:{re.escape(name)})" for name in words]
    framed += [cut for cut in dict.fromkeys(short) if short.count(cut) == 1 and re.fullmatch("[A-Z]{3}", cut)]
    ends = "|".join(framed) or "$^"
    said = rf"(?i:\b(?:{KEYS})['\"]?\s?[:=]\s?['\"]?(?:{spelt})(?:$|[\s'\".,;|)\]}}])|__label__(?:{spelt})(?:$|\s))"
    return re.compile(rf"{said}|^\s*[\[<{{](?:{ends})[\]>}}]|[\[<{{](?:{ends})[\]>}}]\s*$")


def _marks(train: pa.Table, column: str, *, label: str) -> dict[str, str]:
    """Word to label, of the words that stand in nearly all rows of one label and nearly nowhere else."""
    import numpy as np

    step = max(1, train.num_rows // SAMPLE)
    rows = train.select([column, label]).take(np.arange(0, train.num_rows, step))
    labels = rows[label].to_pylist()
    sizes = Counter(name for name in labels if name)
    if len(sizes) < 2:
        return {}
    with_word: Counter[str] = Counter()
    with_both: Counter[tuple[str, str]] = Counter()
    for text, name in zip(rows[column].to_pylist(), labels, strict=True):
        if name:
            words = set((text or "").casefold().split())
            with_word.update(words)
            with_both.update((word, name) for word in words)
    return {
        word: name for (word, name), together in with_both.items()
        if sizes[name] >= MIN_ROWS and together >= COVERS * sizes[name] and together >= PURE * with_word[word]
    }


def _givers(table: pa.Table, column: str, *, stated: re.Pattern[str],
            marks: Mapping[str, str]) -> list[tuple[int, str, str]]:
    """Row, cell and reason of every cell that gives a label away."""
    import pyarrow.compute as pc

    reasons: dict[int, tuple[str, str]] = {}
    for word, label in sorted(marks.items()):
        rows = pc.indices_nonzero(pc.match_substring_regex(table[column], rf"(?i)(?:^|\s){re.escape(word)}(?:$|\s)"))
        reason = f"column {column!r} has {word!r}, which marks the label {label!r}"
        for row, cell in zip(rows.to_pylist(), table[column].take(rows).to_pylist(), strict=True):
            reasons.setdefault(row, (cell, reason))
    rows = pc.indices_nonzero(pc.match_substring_regex(table[column], SIGN))
    for row, cell in zip(rows.to_pylist(), table[column].take(rows).to_pylist(), strict=True):
        if said := stated.search(cell):
            reasons[row] = (cell, f"column {column!r} states a label: {said.group().strip()!r}")
    return [(row, *reasons[row]) for row in sorted(reasons)]
