"""Rows that are near copies of each other: found by sketch, proven one by one, joined to clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from finetune.clean import row_text
from finetune.clean.duplicates import keys
from finetune.clean.near import bands, copies, jaccard, likeness, minhash, pictures
from finetune.clean.near.equal import twins
from finetune.clean.near.once import by_row, once

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array


_ROWS = 50_000  # whose texts are joined at once


class Pairs(NamedTuple):
    """Near copies: row `left[i]` and the later row `right[i]`, with their similarity."""

    left: Array
    right: Array
    similarity: Array  # Jaccard of the shingles of texts; of pictures see `likeness`

    def where(self, kept: Array) -> Pairs:
        """The pairs that a mask keeps."""
        return Pairs(self.left[kept], self.right[kept], self.similarity[kept])


def find(tables: Sequence[pa.Table], roles: Mapping[str, str]) -> Pairs:
    """All near copies among the rows of the tables, which are numbered through; exact copies are among them.

    Texts: Jaccard similarity of at least 0.8. Pictures: see `pictures`. Which pairs are found does not depend on the
    order of the rows, but for buckets that are too full (see `bands.FULL`): there, what is found joins the same rows.
    """
    if len(tables) > 1:
        return prove(tables, roles, _candidates(tables, roles))
    return once(("pairs", *roles.items()), tables[0], lambda: prove(tables, roles, _candidates(tables, roles)))


def _candidates(tables: Sequence[pa.Table], roles: Mapping[str, str]) -> tuple[Array, Array]:
    """The earlier and the later row of every pair that may be near copies."""
    sketches = np.concatenate([_sketch(table, roles) for table in tables])
    return pictures.candidates(sketches) if "image" in roles.values() else bands.candidates(sketches.T)


def prove(tables: Sequence[pa.Table], roles: Mapping[str, str], ends: tuple[Array, Array], *,
          known: Pairs | None = None) -> Pairs:
    """Of the given pairs, told by their earlier and their later rows, those that are near copies.

    Pairs that are `known` to be such are not compared again.
    """
    if known is not None:
        at, packed = _packed(known.left, known.right), _packed(*ends)
        new = ~np.isin(packed, at)
        return _joined([known.where(np.isin(at, packed)), prove(tables, roles, (ends[0][new], ends[1][new]))])
    if "image" in roles.values():
        looks = np.concatenate([_sketch(table, roles) for table in tables])
        pairs = Pairs(*ends, likeness.similarities(looks, *ends))
        return pairs.where(pictures.are_copies(looks, *ends, similarity=pairs.similarity))
    rows, places = np.unique(np.concatenate(ends), return_inverse=True)
    texts = _taken(tables, rows, roles)
    pairs = Pairs(*ends, jaccard.similarities(texts, *places.reshape(2, -1)))
    return pairs.where(pairs.similarity >= jaccard.MIN_SIMILARITY)


def across(tables: Sequence[pa.Table], roles: Mapping[str, str]) -> Pairs:
    """The near copies whose two rows stand in different tables: at least one for every row that has one."""
    sizes = [table.num_rows for table in tables]
    if len(tables) < 2:
        return Pairs(*np.zeros((3, 0), np.int64))
    table_of, starts = np.repeat(np.arange(len(tables)), sizes), np.cumsum([0, *sizes])
    left, right = _candidates(tables, roles)
    between = table_of[left] != table_of[right]
    known = [find([table], roles) for table in tables]
    known = [Pairs(of_one.left + start, of_one.right + start, of_one.similarity)
             for of_one, start in zip(known, starts, strict=False)]
    found = _joined([*known, prove(tables, roles, (left[between], right[between]))])
    first = firsts(found, sum(sizes))
    # A row of a full bucket has been compared with two others only, maybe of its own table: the first row that each
    # table has in the cluster is tried as well.
    rows = np.unique(np.concatenate([found.left, found.right]))
    kept = found.where(table_of[found.left] != table_of[found.right])
    parts = [kept]
    for table in range(len(tables)):
        inside = rows[table_of[rows] == table]
        clusters, at = np.unique(first[inside], return_index=True)
        of_cluster = np.full(sum(sizes) + 1, -1)
        of_cluster[clusters] = inside[at]
        outside = rows[(table_of[rows] != table) & (of_cluster[first[rows]] >= 0)]
        earlier, later = np.sort(np.stack([outside, of_cluster[first[outside]]]), axis=0)
        parts.append(prove(tables, roles, (earlier, later), known=kept))
    return _distinct(_joined(parts))


def cluster_keys(table: pa.Table, roles: Mapping[str, str]) -> list[str]:
    """The key of each row's cluster: equal for copies and near copies, and for what they lead to step by step.

    It is the key of the first row of the cluster, so that rows added at the end leave it as it is.
    """
    table = table.slice(0)  # so that what is learnt of all rows, which is much, goes when this is done
    number, found = copies.numbered([table], roles), find([table], roles)
    equal, rows = copies.firsts(number)[number], np.arange(len(number))
    joined = Pairs(np.concatenate([found.left, equal]), np.concatenate([found.right, rows]), equal)
    marks = keys(table, roles)
    return [marks[row] for row in firsts(joined, len(rows)).tolist()]


def whole_keys(table: pa.Table, roles: Mapping[str, str]) -> list[str]:
    """The key of what must not be parted: a cluster, and the rows of one group where there are groups."""
    found = cluster_keys(table, roles)
    return joined_by_group(found, table["group"].to_pylist()) if "group" in roles else found


def _joined(parts: Sequence[Pairs]) -> Pairs:
    return Pairs(*(np.concatenate(side) for side in zip(*parts, strict=True)))


def joined_by_group(keys: Sequence[str], groups: Sequence[str | None]) -> list[str]:
    """The group of each row (its key, where it has none); one for all groups that rows of equal key lead to.

    Where that would join more than half of the rows, as an `ok` that everybody writes does, groups are left as they
    are, and copies across them to the leakage gate.
    """
    marks = [key if group is None else f"group {group}" for key, group in zip(keys, groups, strict=True)]
    left, rows = np.concatenate([_first_equal(keys), _first_equal(marks)]), np.arange(len(marks))
    joined = [marks[row] for row in firsts(Pairs(left, np.tile(rows, 2), left), len(marks)).tolist()]
    return joined if max(Counter(joined).values()) <= len(joined) / 2 else marks


def _first_equal(marks: Sequence[str]) -> Array:
    """Per row, the first one of equal mark."""
    import pyarrow as pa

    number = copies.codes([pa.array(marks, pa.string())])
    return copies.firsts(number)[number]


def _distinct(pairs: Pairs) -> Pairs:
    twin = twins(_packed(pairs.left, pairs.right))
    return pairs.where(twin == np.arange(len(twin)))


def _packed(left: Array, right: Array) -> Array:
    return left.astype(np.uint64) << np.uint64(32) | right.astype(np.uint64)


def firsts(pairs: Pairs, num_rows: int) -> Array:
    """Per row, the first row of its cluster: of all rows that pairs lead to from it, step by step."""
    first = np.arange(num_rows)
    while True:
        low = np.minimum(first[pairs.left], first[pairs.right])
        joined = first.copy()
        for side in (pairs.left, pairs.right):
            np.minimum.at(joined, first[side], low)
        joined = joined[joined]
        if np.array_equal(joined, first):
            return first
        first = joined


def nearest(pairs: Pairs, num_rows: int) -> tuple[Array, Array]:
    """Per row, the row it is most similar to (of equal ones the first; -1 where there is none) and the similarity."""
    rows = np.concatenate([pairs.left, pairs.right])
    others = np.concatenate([pairs.right, pairs.left])
    similarity = np.tile(pairs.similarity, 2)
    order = np.lexsort((-others, similarity, rows))  # of what is written to one place, the last stays
    other, score = np.full(num_rows, -1), np.zeros(num_rows, np.float32)
    other[rows[order]], score[rows[order]] = others[order], similarity[order]
    return other, score


def _sketch(table: pa.Table, roles: Mapping[str, str]) -> Array:
    column = next((name for name, kind in roles.items() if kind == "image"), None)
    return by_row(("sketch", *roles.items()), table, lambda: pictures.seen(table, column).looks if column
                  else _band_keys(table, roles))


def _band_keys(table: pa.Table, roles: Mapping[str, str]) -> Array:
    """The band keys of each row, shape (rows, bands), piece by piece, for several texts are joined."""
    bounds = [*range(0, table.num_rows, _ROWS), table.num_rows] if table.num_rows else [0, 0]
    return np.concatenate([minhash.band_keys(_texts(table.slice(start, end - start), roles))
                           for start, end in pairwise(bounds)])


def _texts(table: pa.Table, roles: Mapping[str, str]) -> Any:
    """The text of each row; several texts are read one after the other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = row_text.by_column(table, roles)
    if len(columns) == 1:
        return next(iter(columns.values()))
    whole = [column.cast(pa.large_string()) for column in copies.in_order(columns)]
    return pc.binary_join_element_wise(*whole, pa.scalar(" ", pa.large_string()), null_handling="replace")


def _taken(tables: Sequence[pa.Table], rows: Array, roles: Mapping[str, str]) -> pa.ChunkedArray:
    """The texts of some rows in ascending order; taken from all tables at once, Arrow would copy them whole first."""
    import pyarrow as pa

    starts = np.cumsum([0, *(table.num_rows for table in tables)])
    names = row_text.columns(roles)
    chosen = [table.select(names).take(rows[(rows >= start) & (rows < start + table.num_rows)] - start)
              for table, start in zip(tables, starts, strict=False)]
    parts = [_texts(table, roles).cast(pa.large_string()) for table in chosen]
    return pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.large_string())
