"""One spelling of each sign: letters and their accents in one piece, no hyphens that only a printer sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from unicodedata import normalize

from finetune.clean import encoding
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 25
kinds: tuple[str, ...] = ("text",)
default = "fix"
policies: tuple[str, ...] = ("off", "report", "fix", "fail")

# RE2: what lies below U+0300 is in form C already (Unicode Annex 15, section 1.1), but for the soft hyphen, which only
# marks where a word may be broken. Behind one of two letters it is what is left of a letter decoded wrongly.
SOFT_HYPHENS = r"(^|[^\x{AD}\x{C2}\x{C3}])\x{AD}+"
SIGN = rf"[^\x00-\x{{2FF}}]|{SOFT_HYPHENS}"


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Cells that are not in Unicode form C or hold soft hyphens, and the same text in form C without them."""
    import pyarrow.compute as pc

    from finetune.clean.signs import beyond_ascii, matches

    found: list[tuple[int, str, str, str, str]] = []
    for column in (name for name, kind in roles.items() if kind == "text"):
        suspects = matches(table[column], SIGN, beyond_ascii)
        cells = table[column].take(suspects)
        plain = pc.utf8_normalize(pc.replace_substring_regex(cells, SOFT_HYPHENS, r"\1"), form="NFC")
        differ = pc.indices_nonzero(pc.not_equal(cells, plain))
        rows = suspects[differ].tolist()
        for row, cell, after in zip(rows, cells.take(differ).to_pylist(), plain.take(differ).to_pylist(), strict=True):
            # A soft hyphen within wrongly decoded letters hid them from the rule that repairs those.
            after = normalize("NFC", encoding.repair(after))
            what = "soft hyphens" if "\u00ad" in cell else "letters in pieces (not Unicode form C)"
            found.append((row, column, f"column {column!r} has {what}", cell, after))
    return Findings(*zip(*found, strict=True)) if found else Findings()
