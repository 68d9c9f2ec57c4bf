"""Dividing rows by a hash of what they hold: label shares are kept, and rows that are added move few others."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from finetune import mapped
from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

TOLERANCE = 0.1  # part of its share of a label by which a split may be off before rows change sides to mend it
NO_LABEL = ""  # the label of rows whose list of labels is empty


class Group(NamedTuple):
    """Rows of equal key, which are never parted."""

    place: float  # 0 to 1; it depends on seed and key alone
    key: str
    rows: tuple[int, ...]
    is_pure: bool  # whether one label is all that its rows have


@dataclass(frozen=True, slots=True)
class Dealing:
    """How many rows of each label there are and how many each split has been dealt so far."""

    labels: Sequence[tuple[str, ...] | None]  # of each row: one, or of a list any number; None where nobody knows
    totals: Counter[str]
    split_of: list[str]
    dealt: Counter[tuple[str, str]] = field(default_factory=Counter)  # (split, label) -> rows

    def found(self, rows: Sequence[int]) -> Collection[str] | None:
        """The labels that some rows have; None where one of them is not labelled."""
        if len(rows) == 1:
            return self.labels[rows[0]]
        of_rows = {self.labels[row] for row in rows}
        return None if None in of_rows else {label for of_row in of_rows for label in of_row or ()}

    def size(self, group: Group, label: str) -> int:
        """Rows of a label in a group."""
        return len(group.rows) if group.is_pure else sum(label in (self.labels[row] or ()) for row in group.rows)

    def give(self, group: Group, split: str) -> None:
        """All rows of a group to a split."""
        for row in group.rows:
            self.split_of[row] = split
            self.dealt.update((split, label) for label in self.labels[row] or ())


def hold_out(
    table: pa.Table, *, shares: Mapping[str, float], keys: Sequence[str], seed: int,
    known: Mapping[str, str] | None = None, unit: str = "rows", aside: Path | None = None,
) -> dict[str, pa.Table]:
    """`train` and one split per entry of `shares` (split to share of all rows, 0 to 1), in the row order of the table.

    The hash of its key puts a row on a side; where a split then has more than a tenth too many or too few rows of a
    label, those nearest to the boundary change sides. Labels are seen to from the rarest on, as in iterative
    stratification (Sechidis, Tsoumakas, Vlahavas 2011): the rows of a key may have several labels, and so may a row
    whose `label` is a list. Rows of equal key stay together; those of a key in `known` go to that split; rows without
    a label go to train with all rows of their key. The same rows and seed give the same splits.

    Raises DataError for labels with too few distinct rows to be in every split, in lists these are left in train; and
    where a split would have no row.
    """
    import numpy as np

    split_of = np.array(_dealt(table, shares, keys=keys, seed=seed, known=known or {}, unit=unit))  # takes less room
    if empty := sorted({"train", *shares}.difference(split_of)):
        raise DataError("data.split", f"no row is left for {' and '.join(empty)}: {len(set(keys)):,} distinct {unit} "
                                      f"found (near copies count once), at least {len(shares) + 1} are needed, and of "
                                      f"lists as many with one label. Add {unit}, or give {_files(shares)}.")
    return {split: mapped.filtered(table, split_of == split, aside) for split in ("train", *shares)}


def _dealt(table: pa.Table, shares: Mapping[str, float], *, keys: Sequence[str], seed: int,
           known: Mapping[str, str], unit: str) -> list[str]:
    """The split of every row."""
    labels, has_names = _strata(table)
    totals = Counter(label for of_row in labels for label in of_row or ())
    dealing = Dealing(labels, totals, ["train"] * table.num_rows)
    groups = _by_rarest_label(dealing, keys, seed)
    few = _too_few(dealing, groups, needed=len(shares) + 1)
    if few and has_names:
        raise _refusal(few, dealing, shares=shares, unit=unit)
    for group in (group for of_label in groups.values() for group in of_label if group.key in known):
        dealing.give(group, known[group.key])
    for label in sorted(groups.keys() - few, key=lambda label: (totals[label], label)):
        free = sorted(group for group in groups[label] if group.key not in known)
        for place, (split, share) in enumerate(shares.items()):
            owed = sum(not dealing.dealt[other, label] for other in list(shares)[place + 1:])
            free = _deal(dealing, free, label, split=split, share=share, reserve=owed + 1)
    return dealing.split_of


def take(table: pa.Table, limit: int, seed: int) -> pa.Table:
    """At most `limit` rows in the order of the table, each label with its share and at least one row; lists by hash.

    Raises DataError when there are more labels than `limit`.
    """
    if limit >= table.num_rows:
        return table
    rows = table["row"].to_pylist()
    strata = defaultdict(list)
    labels, has_names = _strata(table)
    for position, of_row in enumerate(labels):
        strata[of_row[0] if has_names and of_row else None].append(position)
    num_labels = len(strata) - (None in strata)
    if limit < num_labels:
        raise DataError(
            "data.max_rows", f"{limit:,} rows cannot hold {num_labels:,} labels. Use at least {num_labels:,}, or all."
        )
    counts = _apportion({label: len(positions) for label, positions in strata.items()}, limit)
    kept = [
        position
        for label, positions in strata.items()
        for position in heapq.nsmallest(counts[label], positions, key=lambda position: _place(seed, rows[position]))
    ]
    return table.take(sorted(kept))


def _place(seed: int, key: str) -> float:
    """Where a key stands in the order of a seed, 0 to 1; it does not depend on other rows."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8]) / 2**64


def _strata(table: pa.Table) -> tuple[list[tuple[str, ...] | None], bool]:
    """What of each row is to be found in every split, and whether that are names, one a row.

    That is its label or labels; of numbers their tenth, of answers whether there is one, and without any of these
    nothing.
    """
    import pyarrow as pa

    column = next((table[name] for name in ("label", "answers") if name in table.column_names), None)
    if column is None:
        return [("",)] * table.num_rows, False
    if pa.types.is_floating(column.type):
        return _tenths(column.to_pylist()), False
    cells = column.to_pylist()
    if pa.types.is_struct(column.type):
        return [None if cell is None else (str(bool(cell["text"])),) for cell in cells], False
    if pa.types.is_list(column.type):
        return [None if cell is None else tuple(dict.fromkeys(cell)) or (NO_LABEL,) for cell in cells], False
    alone = {cell: None if cell is None else (cell,) for cell in set(cells)}
    return [alone[cell] for cell in cells], True


def _tenths(numbers: Sequence[float | None]) -> list[tuple[str, ...] | None]:
    """The tenth in which each number lies, of few numbers the part."""
    import numpy as np

    known = np.asarray([number for number in numbers if number is not None])
    parts = max(1, min(10, len(known) // 10))
    bounds = np.quantile(known, np.arange(1, parts) / parts) if len(known) else known
    return [None if number is None else (str(np.searchsorted(bounds, number, side="right")),) for number in numbers]


def _by_rarest_label(dealing: Dealing, keys: Sequence[str], seed: int) -> dict[str, list[Group]]:
    """The groups that can be dealt, by the label of theirs that the fewest rows have."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        by_key[key].append(row)
    groups: dict[str, list[Group]] = defaultdict(list)
    while by_key:  # taken out one by one, since a million lists take a tenth of all memory
        key, rows = by_key.popitem()
        labels = dealing.found(rows)
        if labels is not None:
            is_pure = len(labels) == 1
            rarest = next(iter(labels)) if is_pure else min(labels, key=lambda label: (dealing.totals[label], label))
            groups[rarest].append(Group(_place(seed, key), key, tuple(rows), is_pure))
    return groups


def _too_few(dealing: Dealing, groups: Mapping[str, Sequence[Group]], *, needed: int) -> dict[str, int]:
    """The labels that fewer groups have than are needed, and how many have it."""
    counts = Counter({label: len(of_label) for label, of_label in groups.items()})
    for rarest, of_label in groups.items():
        counts.update(label for group in of_label if not group.is_pure
                      for label in dealing.found(group.rows) or () if label != rarest)
    return {label: counts[label] for label in sorted(dealing.totals) if counts[label] < needed}


def _refusal(few: Mapping[str, int], dealing: Dealing, *, shares: Mapping[str, float], unit: str) -> DataError:
    named = [f"{label!r} (rows: {dealing.totals[label]:,}, distinct: {count:,}{_elsewhere(label, dealing.totals)})"
             for label, count in few.items()]
    return DataError(
        "data.split", f"too few distinct {unit} of {len(few):,} of {len(dealing.totals):,} labels to hold out"
        f" {' and '.join(shares)}: {some(named)}. At least {len(shares) + 1} distinct {unit} per label are needed, one"
        f" for each split. Add {unit}, or give {_files(shares)}."
    )


def _elsewhere(label: str, labels: Iterable[str]) -> str:
    """The same label in other capitals, which is what it often is when it stands alone."""
    found = [other for other in labels if other != label and other.casefold() == label.casefold()]
    return f", elsewhere {some(map(repr, found))}" if found else ""


def _files(shares: Mapping[str, float]) -> str:
    return " and ".join(f"data.files.{split}" for split in shares)


def _deal(dealing: Dealing, free: list[Group], label: str, *, split: str, share: float, reserve: int) -> list[Group]:
    """Gives a split its groups of a label and returns those that are left, at least `reserve`.

    Validation takes from the low end of the places and test from the high end, so that the two never trade rows.
    """
    ideal = share * dealing.totals[label]
    low = max(1, math.floor(ideal * (1 - TOLERANCE) + 1e-9))
    high = max(1, math.ceil(ideal * (1 + TOLERANCE) - 1e-9))
    num_rows, taken = dealing.dealt[split, label], set[str]()
    for group in reversed(free) if split == "test" else free:
        is_inside = (1 - group.place if split == "test" else group.place) < share
        if num_rows >= low and not is_inside:
            break
        size = dealing.size(group, label)
        if num_rows + size <= high and len(free) - len(taken) > reserve:
            dealing.give(group, split)
            taken.add(group.key)
            num_rows += size
    left = [group for group in free if group.key not in taken]
    if num_rows < low and len(left) > reserve:
        smallest = min(left, key=lambda group: dealing.size(group, label))
        if not num_rows or dealing.size(smallest, label) < 2 * (ideal - num_rows):
            dealing.give(smallest, split)
            left.remove(smallest)
    return left


def _apportion(sizes: Mapping[str | None, int], limit: int) -> dict[str | None, int]:
    """How many rows of each label make `limit`: one each, then one by one to the label furthest below its share.

    The divisors 1, 3, 5, ... are those of Webster and Sainte-Lague.
    """
    counts = {label: 0 if label is None else 1 for label in sizes}
    queue = [((2 * counts[label] + 1) / size, order, label) for order, (label, size) in enumerate(sizes.items())]
    heapq.heapify(queue)
    for _ in range(limit - sum(counts.values())):
        _, order, label = queue[0]
        counts[label] += 1
        heapq.heapreplace(queue, ((2 * counts[label] + 1) / sizes[label], order, label))
    return counts
