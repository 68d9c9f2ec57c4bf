"""Blanks that carry no meaning, and characters that nobody can see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import compress
from typing import TYPE_CHECKING

from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

order = 30
kinds: tuple[str, ...] = ("text",)
default = "fix"
policies: tuple[str, ...] = ("off", "report", "fix", "fail")

# Code points as ranges that fit into a character class, written alike for Python's `re` and for Arrow's RE2.
# The joiners U+200C and U+200D are absent: Persian and Indic spelling and emoji families need them.
WIDE = r"\u3000"  # the blank of Chinese and Japanese text, right where it stands alone
ODD = r"\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f"
UNSEEN = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u2060\ufeff"
BLANK = f" {WIDE}{ODD}"

REASONS = {
    "blanks at its ends": f"^[{BLANK}]|[{BLANK}]\\Z",
    "runs of blanks": f"[{BLANK}]{{2}}",
    "tabs, line breaks or odd blanks": f"[{ODD}]",
    "invisible characters": f"[{UNSEEN}]",
}
RUN = re.compile(f"[{BLANK}]{{2,}}|[{ODD}]")  # all but a single plain blank, which most of them are
HIDDEN = re.compile(f"[{UNSEEN}]+")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Cells with useless blanks or invisible characters, and the same text with single plain blanks."""
    import pyarrow.compute as pc

    from finetune.clean.signs import matches

    patterns = [arrow_pattern(pattern) for pattern in REASONS.values()]
    found: list[tuple[int, str, str, str, str]] = []
    for column in (name for name, kind in roles.items() if kind == "text"):
        rows = matches(table[column], "|".join(patterns), _maybe_useless)
        cells = table[column].take(rows)
        signs = [pc.match_substring_regex(cells, pattern).to_pylist() for pattern in patterns]
        for row, cell, *has in zip(rows.tolist(), cells.to_pylist(), *signs, strict=True):
            kinds_found = compress(REASONS, has)
            found.append((row, column, f"column {column!r} has {', '.join(kinds_found)}", cell, tidy(cell)))
    return Findings(*zip(*found, strict=True)) if found else Findings()


def tidy(text: str) -> str:
    """The text without invisible characters and outer blanks, every run of blanks one plain blank."""
    shown = HIDDEN.sub("", text)
    if shown.isascii():
        return " ".join(shown.split())  # of ASCII it knows the same blanks
    return RUN.sub(_one_blank if "\u3000" in shown else " ", shown).strip(" \u3000")


def arrow_pattern(pattern: str) -> str:
    """The same pattern in the spelling of RE2, which writes `\\u200b` as `\\x{200b}` and `\\Z` as `\\z`."""
    return re.sub(r"\\u([0-9a-f]{4})", r"\\x{\1}", pattern).replace(r"\Z", r"\z")


def _maybe_useless(data: Array, offsets: Array) -> Array:
    """A mask of the bytes that a tidy text does not have: second blanks, those at its ends, all beyond plain ASCII."""
    blank = data == ord(" ")
    marked = (data < ord(" ")) | (data > ord("~"))
    marked[1:] |= blank[1:] & blank[:-1]
    is_filled = offsets[:-1] < offsets[1:]
    for edge in (offsets[:-1][is_filled], offsets[1:][is_filled] - 1):
        marked[edge] |= blank[edge]
    return marked


def _one_blank(run: re.Match[str]) -> str:
    return "\u3000" if run.group() == "\u3000" else " "
