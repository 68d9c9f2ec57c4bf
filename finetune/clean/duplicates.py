"""Copies of a row, and the key by which all of cleaning and splitting knows a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from finetune.clean.whitespace import UNSEEN, arrow_pattern
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 60
kinds: tuple[str, ...] = ("text", "image")
default = "drop"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

# Applied in this order after NFKC; patterns are RE2. A smiley and a minus sign are made of punctuation but carry
# meaning ("fine :)" against "fine :(", "-5 %" against "5 %"), so they become a symbol before punctuation goes.
SPELLINGS = (
    (arrow_pattern(f"[{UNSEEN}]+"), ""),
    (r"[:;=]'?-?\)", "\u263a"),
    (r"[:;=]'?-?\(", "\u2639"),
    (r"(^|[\pZ(])[-\x{2212}](\pN)", "\\1\u2212\\2"),
    (r"[.,;:!?'\"`()\[\]\p{Pd}\p{Pi}\p{Pf}\x{201A}\x{201E}\x{3001}\x{3002}\x{300C}-\x{300F}]", " "),
    (r"[\pZ\p{Cc}]+", " "),
)


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Copies of a former row with the same label; the first one stays and is named in the reason.

    Copies whose labels differ are the business of the rule `contradictions`.
    """
    hashes = table["hash"].to_pylist()
    marks = zip(keys(table, roles), *columns(table, roles, kind="label"), strict=True)
    first: dict[tuple[str | None, ...], int] = {}
    copies = {row: start for row, mark in enumerate(marks) if (start := first.setdefault(mark, row)) != row}
    stays = table["row"].take(list(copies.values())).to_pylist() if copies else []
    reasons = [
        f"exact copy of {stay}" if hashes[row] == hashes[start]
        else f"copy of {stay} but for case, blanks or punctuation"
        for (row, start), stay in zip(copies.items(), stays, strict=True)
    ]
    return about_rows(table, roles, rows=list(copies), reasons=reasons)


def keys(table: pa.Table, roles: Mapping[str, str]) -> list[str]:
    """The key of each row; rows with equal keys are copies.

    Of text: NFKC, casefold, blanks collapsed, quotes, dashes and sentence punctuation removed; the raw text where
    nothing is left. Of an image: its hash.
    """
    import pyarrow.compute as pc

    parts: list[list[str]] = []
    for column in (name for name, kind in roles.items() if kind == "text"):
        raw = pc.fill_null(table[column], "")
        spelt = pc.utf8_normalize(raw, form="NFKC")
        for pattern, replacement in SPELLINGS:
            spelt = pc.replace_substring_regex(spelt, pattern, replacement)
        spelt = pc.utf8_trim(spelt, " ")
        parts.append([key.casefold() or cell for key, cell in zip(spelt.to_pylist(), raw.to_pylist(), strict=True)])
    if "image" in roles.values():
        parts.append(table["hash"].to_pylist())
    return parts[0] if len(parts) == 1 else ["\x1f".join(key) for key in zip(*parts, strict=True)]


def columns(table: pa.Table, roles: Mapping[str, str], *, kind: str) -> list[list[str | None]]:
    """The cells of every column of one kind."""
    return [table[name].to_pylist() for name, its_kind in roles.items() if its_kind == kind]


def content(roles: Mapping[str, str]) -> str:
    """The column that a row is about and that its hash is of: the first one that is not a label."""
    return next(name for name, kind in roles.items() if kind != "label")


def about_rows(table: pa.Table, roles: Mapping[str, str], *, rows: Sequence[int], reasons: Sequence[str]) -> Findings:
    """Findings about whole rows, which repair nothing; they quote the text or the locator of the image."""
    import pyarrow as pa

    if not rows:
        return Findings()
    column = content(roles)
    before: tuple[str | None, ...] = (None,) * len(rows)
    if not pa.types.is_binary(table.schema.field(column).type):  # rows of the Hub carry the image itself
        before = tuple(table[column].take(list(rows)).to_pylist())
    return Findings(tuple(rows), (column,) * len(rows), tuple(reasons), before, (None,) * len(rows))
