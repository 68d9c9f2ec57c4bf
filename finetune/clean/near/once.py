"""What is costly to know of a table and asked for again and again: by one rule after the other, and by the gate."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

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
