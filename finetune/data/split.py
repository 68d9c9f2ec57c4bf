"""Dividing rows: held-out splits that share no content with training, and smaller subsets; both keep label shares."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

Group = list[int]  # positions of rows with equal key


def hold_out(
    table: pa.Table, *, shares: Mapping[str, float], keys: Sequence[str], seed: int
) -> dict[str, pa.Table]:
    """`train` and one split per entry of `shares` (split to share of all rows, 0 to 1), in the row order of the table.

    Each label is divided in these shares. Rows of equal key stay together and count as their most frequent label; rows
    without a label go to train with all rows of their key. The same rows and seed give the same splits.

    Raises DataError for labels with too few distinct rows to be in every split.
    """
    labels = table["label"].to_pylist()
    groups = _groups_by_label(labels, keys)
    _check_enough(labels, groups, shares=shares)
    split_of = ["train"] * table.num_rows
    owed = dict.fromkeys(shares, 0.0)  # what rounding has kept from a split so far, in rows
    for label in sorted(groups):
        free = sorted(groups[label], key=lambda group: _place(seed, keys[group[0]]))
        num_rows = sum(map(len, free))
        for place, (split, share) in enumerate(shares.items()):
            ideal = share * num_rows
            lowest, highest = max(1, math.floor(ideal + 1e-9)), max(1, math.ceil(ideal - 1e-9))
            quota = min(max(round(ideal + owed[split]), lowest), highest)
            taken, free = _deal(free, quota, reserve=len(shares) - place)
            owed[split] += ideal - sum(map(len, taken))
            for position in (position for group in taken for position in group):
                split_of[position] = split
    return {split: table.filter([found == split for found in split_of]) for split in ("train", *shares)}


def take(table: pa.Table, limit: int, seed: int) -> pa.Table:
    """At most `limit` rows in the order of the table, each label with its share and at least one row.

    Raises DataError when there are more labels than `limit`.
    """
    if limit >= table.num_rows:
        return table
    rows = table["row"].to_pylist()
    strata = defaultdict(list)
    for position, label in enumerate(table["label"].to_pylist()):
        strata[label].append(position)
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


def _place(seed: int, key: str) -> bytes:
    """Where a key stands in the order of a seed; it does not depend on other rows."""
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()


def _groups_by_label(labels: Sequence[str | None], keys: Sequence[str]) -> dict[str, list[Group]]:
    """The groups that can be dealt, by their most frequent label; of equally frequent ones by the first."""
    by_key: dict[str, Group] = defaultdict(list)
    for position, key in enumerate(keys):
        by_key[key].append(position)
    groups: dict[str, list[Group]] = defaultdict(list)
    for group in by_key.values():
        found = [label for position in group if (label := labels[position]) is not None]
        if len(found) == len(group):
            groups[found[0] if len(found) == 1 else Counter(found).most_common(1)[0][0]].append(group)
    return groups


def _check_enough(
    labels: Iterable[str | None], groups: Mapping[str, Sequence[Group]], *, shares: Mapping[str, float]
) -> None:
    needed = len(shares) + 1
    counts = Counter(label for label in labels if label is not None)
    few = [
        f"{label!r} (rows: {counts[label]:,}, distinct: {len(groups.get(label, ())):,})"
        for label in sorted(counts) if len(groups.get(label, ())) < needed
    ]
    if few:
        files = " and ".join(f"data.files.{split}" for split in shares)
        raise DataError(
            "data.split", f"too few distinct rows of {len(few):,} of {len(counts):,} labels to hold out"
            f" {' and '.join(shares)}: {some(few)}. At least {needed} distinct rows per label are needed, one for each"
            f" split. Add rows, or give {files}."
        )


def _deal(free: list[Group], quota: int, *, reserve: int) -> tuple[list[Group], list[Group]]:
    """Groups of about `quota` rows, taken in order where they fit, and the groups that are left, at least `reserve`.

    At least one is taken; one that does not fit is added when it brings the number of rows closer to the quota.
    """
    taken: list[Group] = []
    left: list[Group] = []
    num_rows = 0
    for group in free:
        if num_rows + len(group) <= quota and len(taken) < len(free) - reserve:
            taken.append(group)
            num_rows += len(group)
        else:
            left.append(group)
    smallest = min(left, key=len)
    closer = len(smallest) < 2 * (quota - num_rows) and len(left) > reserve
    if closer or not taken:
        taken.append(smallest)
        left.remove(smallest)
    return taken, left


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
