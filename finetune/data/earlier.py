"""The split of an earlier run, kept: rows that it knows stay on their side, and what belongs to them joins them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.contracts import SPLITS
from finetune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

KEY = "data.split.file"


@dataclass(frozen=True, slots=True)
class Sides:
    """Where rows stood: by the hash of their content as it came, and by the hash of their group."""

    rows: Mapping[str, str]
    groups: Mapping[str, str]


def line(row: str, content: str, split: str, *, group: str | None) -> dict[str, str]:
    """What `data/split.jsonl` keeps of a row; its group, which may be a person, only as a hash."""
    return {"row": row, "split": split, "hash": content} | ({"group": hashed(group)} if group is not None else {})


def hashed(group: str) -> str:
    """What a group is known by."""
    return hashlib.sha256(group.encode()).hexdigest()[:16]


def read(file: Path) -> Sides:
    """The sides that a `split.jsonl` tells; DataError names the first line that is none, or why it cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(KEY, f"{file} cannot be read ({error}). Name data/split.jsonl of an earlier run.") from error
    found = [_entry(text, f"{file}:{number}") for number, text in enumerate(lines, 1)]
    by_split = sorted(found, key=lambda entry: SPLITS.index(entry["split"]))  # of content in several the last one holds
    return Sides({entry["hash"]: entry["split"] for entry in by_split},
                 {entry["group"]: entry["split"] for entry in by_split if "group" in entry})


def _entry(text: str, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or not isinstance(entry.get("hash"), str) or entry.get("split") not in SPLITS:
        raise DataError(KEY, f"{where} is not a line with the split and the hash of a row. Name data/split.jsonl of an "
                             "earlier run.")
    return entry


def keep(
    table: pa.Table, keys: Sequence[str], sides: Sides, *, among: Container[str]
) -> tuple[list[str], dict[str, str], int]:
    """The keys anew, the split of those that have one already, and how many rows are known.

    `keys` join what must not be parted. A row that is known keeps its split, so a key whose rows are known in several
    is divided; rows that are new join the group that is known, else the first row of their key that is. What was in a
    split that is not `among` those dealt now is new. Raises DataError where no row is known.
    """
    groups = table["group"].to_pylist() if "group" in table.column_names else [None] * table.num_rows
    known = [_if_among(sides.rows.get(content), among) for content in table["hash"].to_pylist()]
    if not any(known):
        raise DataError(KEY, f"it knows none of these {table.num_rows:,} rows. It belongs to other data, or their "
                             "content has changed. Leave it out.")
    of_group = [None if group is None else _if_among(sides.groups.get(hashed(group)), among) for group in groups]
    first = _first(keys, known) | _first(keys, of_group)
    sides_now = [own or grouped or first.get(key) for own, grouped, key in zip(known, of_group, keys, strict=True)]
    anew = [key if side is None else f"{side}:{key}" for key, side in zip(keys, sides_now, strict=True)]
    fixed = {key: side for key, side in zip(anew, sides_now, strict=True) if side is not None}
    return anew, fixed, sum(side is not None for side in known)


def _if_among(side: str | None, among: Container[str]) -> str | None:
    return side if side in among else None


def _first(keys: Iterable[str], sides: Iterable[str | None]) -> dict[str, str]:
    """Key to the side of its first row that has one."""
    found: dict[str, str] = {}
    for key, side in zip(keys, sides, strict=True):
        if side is not None:
            found.setdefault(key, side)
    return found
