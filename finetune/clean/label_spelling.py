"""Labels that are another one in other letters: `Positive` beside `positive`, `not_ok` beside `not ok`, 1.0 beside 1.

A model would learn them as two. They may be two, as US and us can be, so nothing is repaired; nor could it be, for
held-out rows, which nobody relabels, would be left with a label that no training row has.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from finetune.clean import label_text
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 45  # before contradictions, which take copies under two spellings for such
kinds: tuple[str, ...] = label_text.KINDS
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

BETWEEN = re.compile(r"(?<=[^\W_])[\s_-]+(?=[^\W_])")  # words: C++ and C# stay apart, as do + and -


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Rows of one table with a label of which another spelling is more frequent."""
    return learn(table, roles)(table, roles)


def learn(train: pa.Table, roles: Mapping[str, str]) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """The rule for every split: the usual spelling is that of most training rows, of equally many the first one."""
    columns = label_text.columns(roles)
    usual = {column: _usual(_counts(train[column])) for column in columns}

    def against(table: pa.Table, _: Mapping[str, str]) -> Findings:
        found: list[tuple[int, str, str, str, str | None]] = []
        for column in columns:
            spelt = {label: usual[column].get(spelling(label), label) for label in _counts(table[column])}
            odd = {label: as_usual for label, as_usual in spelt.items() if label != as_usual}
            for row, cell in enumerate(table[column].to_pylist() if odd else ()):
                if there := [label for label in label_text.names(cell) if label in odd]:
                    said = ", ".join(f"{label!r} where others have {odd[label]!r}" for label in there)
                    after = odd[there[0]] if cell == there[0] else None  # of a list none is suggested
                    before = "; ".join(label_text.names(cell))
                    found.append((row, column, f"column {column!r} has {said}", before, after))
        return Findings(*zip(*found, strict=True)) if found else Findings()

    return against


def spelling(label: str) -> str:
    """What all spellings of a label have in common."""
    plain = BETWEEN.sub(" ", unicodedata.normalize("NFKC", label).casefold()).strip()
    try:
        number = float(plain)
    except ValueError:
        return plain
    return repr(number) if math.isfinite(number) else plain


def _usual(counts: Mapping[str, int]) -> dict[str, str]:
    """Spelling to the label that has it most often."""
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    return {spelling(label): label for label in reversed(ranked)}


def _counts(cells: pa.ChunkedArray) -> Counter[str]:
    """How often each label stands in a column of labels, or of lists of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    flat = pc.list_flatten(cells) if pa.types.is_list(cells.type) else cells
    return Counter({entry["values"]: entry["counts"] for entry in pc.value_counts(flat.drop_null()).to_pylist()})
