"""Text that was decoded with the wrong character set on its way here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.clean.whitespace import tidy
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 10
kinds: tuple[str, ...] = ("text",)
default = "fix"
policies: tuple[str, ...] = ("off", "report", "fix", "fail")

LOST = "\ufffd"
# RE2: the signs that a wrongly decoded byte can have become, of all character sets that ftfy 6.3 knows. ASCII is not
# among them, nor are Chinese, Japanese and Korean, so most rows of most data sets are no suspects.
SIGN = r"[\x{80}-\x{2DFF}\x{F8FF}\x{FB01}\x{FB02}\x{FFFD}]"


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Cells with damaged encoding, repaired; a lost character (U+FFFD) is a finding of its own without repair."""
    from finetune.clean.signs import beyond_ascii, matches

    found: list[tuple[int, str, str, str, str | None]] = []
    for column in (name for name, kind in roles.items() if kind == "text"):
        suspects = matches(table[column], SIGN, beyond_ascii)
        for row, cell in zip(suspects.tolist(), table[column].take(suspects).to_pylist(), strict=True):
            repaired = repair(cell)
            if LOST in repaired:
                reason = f"column {column!r} has characters beyond repair ({repaired.count(LOST)} x U+FFFD)"
                found.append((row, column, reason, cell, None))
            if repaired != cell:
                found.append((row, column, f"column {column!r} has damaged encoding", cell, repaired))
    return Findings(*zip(*found, strict=True)) if found else Findings()


def repair(text: str) -> str:
    """The text as it was before it was decoded wrongly, as far as ftfy is sure of it; else the same text."""
    from ftfy import fix_encoding

    repaired = fix_encoding(text)
    # An odd blank beside the damage hides it (ftfy 6.3 keeps "\xa0" + "\xc3\xa9"), so the tidy text is tried as well.
    # Otherwise it would come to light only when rows that are clean already are cleaned again.
    while (plain := tidy(repaired)) != repaired and (again := fix_encoding(plain)) != plain:
        repaired = again
    return str(repaired)
