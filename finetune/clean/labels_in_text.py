"""Texts that give their own label away: they state it, or a word stands in one label's rows and in no others.

A model learns such a mark instead of the task, and looks good until it meets a text without it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from finetune.clean.label_text import label_column
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
    column = label_column(roles)
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
    """Word to label, of the words that stand in nearly all rows of one label and nearly nowhere else.

    A fifth of the rows is looked at first: no word is a mark that the other rows could not make one.
    """
    import numpy as np

    step = max(1, train.num_rows // SAMPLE)
    rows = train.select([column, label]).take(np.arange(0, train.num_rows, step))
    texts: dict[str, list[str]] = {}
    for text, name in zip(rows[column].to_pylist(), rows[label].to_pylist(), strict=True):
        if name:
            texts.setdefault(name, []).append(text or "")
    if len(texts) < 2:
        return {}
    first = {name: of_label[: len(of_label) // 5 + 1] for name, of_label in texts.items()}
    left = {name: len(of_label) - len(first[name]) for name, of_label in texts.items()}
    if not _pure(_counted(first), texts, left=left):
        return {}
    return _pure(_counted(texts), texts, left=dict.fromkeys(texts, 0))


def _counted(texts: Mapping[str, Sequence[str]]) -> dict[str, Counter[str]]:
    """Label to word to texts that have it."""
    with_word: dict[str, Counter[str]] = {name: Counter() for name in texts}
    for name, of_label in texts.items():
        for text in of_label:
            with_word[name].update(set(text.casefold().split()))
    return with_word


def _pure(with_word: Mapping[str, Counter[str]], texts: Mapping[str, Sequence[str]], *,
          left: Mapping[str, int]) -> dict[str, str]:
    """Word to label, of the words that are marks if they stand in all rows of the label that are left."""
    found = dict[str, str]()
    for name, of_label in with_word.items():
        size = len(texts[name])
        often = {word: number + left[name] for word, number in of_label.items()
                 if size >= MIN_ROWS and number + left[name] >= COVERS * size}
        elsewhere = {word: sum(other[word] for other in with_word.values()) - of_label[word] for word in often}
        found |= {word: name for word, together in often.items() if together >= PURE * (together + elsewhere[word])}
    return found


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
