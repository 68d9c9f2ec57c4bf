"""Words that a program wrote where a text or a label was missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 32
kinds: tuple[str, ...] = ("text", "label")
default = "report"  # `None` and `n/a` can be what somebody said
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

# RE2, of the whole cell. `none` and `na` are names of labels (no stance, Namibia), so they count in texts alone.
WRITTEN = r"n/a|#n/a|#ref!|#value!|#name\?|#div/0!|nan|null|nil|undefined|\(null\)|\[null\]|<na>|\\n|\[object object\]"
IN_TEXT = r"none|na|-+|\?+|\.+|missing|not available|no (?:text|comment|data)|\[?(?:removed|deleted)\]?|lorem ipsum.*"


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Cells that say nothing but that they are missing; a lone `?` or `-` counts, `?!` and `:-)` do not."""
    import pyarrow.compute as pc

    found: list[tuple[int, str, str, str, None]] = []
    for column, kind in roles.items():
        if kind in kinds:
            words = f"{WRITTEN}|{IN_TEXT}" if kind == "text" else WRITTEN
            pattern = rf"(?is)^\s*(?:{words})\s*$"
            rows = pc.indices_nonzero(pc.match_substring_regex(table[column], pattern))
            reason = f"column {column!r} has a word for a missing {kind}"
            cells = table[column].take(rows).to_pylist()
            found += [(row, column, reason, cell, None) for row, cell in zip(rows.to_pylist(), cells, strict=True)]
    return Findings(*zip(*found, strict=True)) if found else Findings()
