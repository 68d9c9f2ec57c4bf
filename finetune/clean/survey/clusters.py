"""Copies and near copies that lie together, from what the rules on copies found: nothing is searched a second time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from finetune.clean.survey.excerpts import excerpts

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Findings

KINDS = {"duplicates": "exact", "near_duplicates": "near"}  # rule -> kind of cluster
MOST, NAMED, SHOWN = 12, 10, 4  # clusters, rows of each that are named, and rows of these that are shown


class Cluster(NamedTuple):
    """Rows of one split that are copies of each other, the first of them and a few more at hand."""

    kind: str
    split: str
    size: int
    rows: pa.Table  # at most NAMED


def gather(rule: str, found: Mapping[str, Findings], tables: Mapping[str, pa.Table]) -> list[Cluster]:
    """The largest clusters that a rule found in each of the tables; none where the rule is not about copies."""
    if rule not in KINDS:
        return []
    clusters = []
    for split, findings in found.items():
        largest = Counter(findings.firsts).most_common(MOST)
        members: dict[int, list[int]] = {first: [first] for first, _ in largest}
        for row, first in zip(findings.rows, findings.firsts, strict=True):
            if first in members and len(members[first]) < NAMED:
                members[first].append(row)
        clusters += [Cluster(KINDS[rule], split, copies + 1, tables[split].take(members[first]))
                     for first, copies in largest]
    return clusters


def shown(clusters: Iterable[Cluster], roles: Mapping[str, str]) -> list[dict[str, Any]]:
    """The largest clusters as `data/quality.json` keeps them."""
    largest = sorted(clusters, key=lambda cluster: -cluster.size)[:MOST]
    return [{"kind": cluster.kind, "split": cluster.split, "size": cluster.size,
             "rows": cluster.rows["row"].to_pylist(), "examples": excerpts(_different(cluster.rows), roles)}
            for cluster in largest]


def _different(rows: pa.Table) -> pa.Table:
    """The first few rows, each content once: a text that stands there ten times is read once."""
    first: dict[str, int] = {}
    for position, content in enumerate(rows["hash"].to_pylist()):
        first.setdefault(content, position)
    return rows.take(list(first.values())[:SHOWN])
