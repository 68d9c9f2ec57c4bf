"""Pictures that cannot be read: cut off, damaged, of no known format, or larger than any memory should hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.clean.duplicates import about_rows, content
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 5  # every other rule about pictures looks into them
kinds: tuple[str, ...] = ("image",)
default = "drop"
policies: tuple[str, ...] = ("drop", "fail")


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Every row whose picture cannot be read, with the reason; what can be is told in `data/images.py`."""
    reasons = _reasons(table, roles)
    rows = [row for row, reason in enumerate(reasons) if reason]
    said = [f"the picture cannot be read ({reason})" for reason in reasons if reason]
    return about_rows(table, roles, rows=rows, reasons=said)


def apart(table: pa.Table, roles: Mapping[str, str]) -> tuple[pa.Table, pa.Table]:
    """The rows whose pictures can be read, and the others; all and none of a table without pictures."""
    import numpy as np

    broken = np.array([reason is not None for reason in _reasons(table, roles)], bool)
    if not broken.any():
        return table, table.slice(0, 0)
    return table.filter(~broken), table.filter(broken)


def _reasons(table: pa.Table, roles: Mapping[str, str]) -> list[str | None]:
    from finetune.clean.near import pictures

    column = content(roles)
    return pictures.seen(table, column).reasons if roles[column] == "image" else [None] * table.num_rows
