"""What is costly to know of a table and asked for again and again: by one rule after the other, and by the gate."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

T = TypeVar("T")

_KNOWN: dict[tuple[Hashable, int], Any] = {}


def once(what: Hashable, table: pa.Table, make: Callable[[], T]) -> T:
    """What `make` gives, made once for as long as the very table is in memory; tables never change."""
    key = what, id(table)
    if key not in _KNOWN:
        _KNOWN[key] = make()
        weakref.finalize(table, _KNOWN.pop, key, None)
    found: T = _KNOWN[key]
    return found


def by_row(what: Hashable, table: pa.Table, make: Callable[[], Array]) -> Array:
    """What `make` gives, one entry per row, made once; a table of some of the rows is handed what is known of them."""
    return once(("by row", what), table, make)


def hand_on(table: pa.Table, part: pa.Table, rows: Array) -> pa.Table:
    """The part, which has these rows of the table, with what is known of each of them."""
    for what, known in [(what, known) for (what, place), known in _KNOWN.items() if place == id(table)]:
        if isinstance(what, tuple) and what[0] == "by row":
            once(what, part, functools.partial(np.take, known, rows, axis=0))
    return part
