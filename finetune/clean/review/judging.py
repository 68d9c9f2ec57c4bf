"""What verdicts mean for the rows at hand: which are relabelled or dropped, and which findings are not made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from finetune.clean.duplicates import about_rows
from finetune.clean.label_text import label_column
from finetune.clean.ledger import POSITION
from finetune.clean.review.verdicts import DROP, KEEP, RELABEL, Verdict
from finetune.contracts import Findings
from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

RULE = "verdicts"  # in the ledger
COPIES = "duplicates"  # dropping a copy leaves the row that it is a copy of, which has the same content
PARALLEL = [entry.name for entry in fields(Findings) if entry.name not in ("counts", "details")]  # one entry a finding
Decided = dict[str, list[tuple[int, Verdict]]]  # split -> row and what was decided about it


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be done with the rows of each split, the findings that are settled, and the sums (JSON-able)."""

    relabelled: dict[str, Findings]
    dropped: dict[str, Findings]
    settled: dict[tuple[str, str], set[int]]  # (rule, split) -> rows as they came
    counts: dict[str, Any]


def judge(verdicts: Sequence[Verdict], splits: Mapping[str, pa.Table], roles: Mapping[str, str], *,
          touched: Collection[str]) -> Judged:
    """Hold verdicts against the rows as they came; rows of splits that are not `touched` keep their place and label.

    DataError where a verdict gives a label that no training row has.
    """
    by_row: dict[tuple[str, str | None], list[Verdict]] = {}
    for verdict in verdicts:
        by_row.setdefault(verdict.key, []).append(verdict)
    column = label_column(roles)
    relabelled: Decided = {}
    dropped: Decided = {}
    settled: dict[tuple[str, str], set[int]] = {}
    used: set[Verdict] = set()
    left: set[Verdict] = set()
    for split, table in splits.items():
        seen: set[Verdict] = set()  # the first of equal rows, which a verdict on its copy leaves
        for row, verdict in _meant(table, column, by_row=by_row):
            if verdict.decides and split not in touched:
                left.add(verdict)
                continue
            used.add(verdict)
            settled.setdefault((verdict.rule, split), set()).add(row)
            if verdict.verdict == RELABEL:
                relabelled.setdefault(split, []).append((row, verdict))
            elif verdict.verdict == DROP and (verdict.rule != COPIES or verdict in seen):
                dropped.setdefault(split, []).append((row, verdict))
            seen.add(verdict)
    _check_labels(used, splits, column)
    counts = {"given": len(verdicts), "used": _by_kind(used), "left": len(left - used),
              "absent": len(set(verdicts) - used - left)}
    return Judged({split: _relabelling(rows, str(column)) for split, rows in relabelled.items()},
                  {split: _dropping(rows, splits[split], roles) for split, rows in dropped.items()}, settled, counts)


def unsettled(findings: Findings, table: pa.Table, settled: Collection[int]) -> Findings:
    """The findings without those that somebody has judged; `table` knows the position at which each row came.

    Their sums by kind cannot be told any more.
    """
    import numpy as np
    import pyarrow as pa

    if not settled or not findings:
        return findings
    positions = table[POSITION].take(list(findings.rows)).to_numpy()
    stays = np.flatnonzero(~np.isin(positions, list(settled))).tolist()
    if len(stays) == len(findings):
        return findings
    cells = {name: tuple(values[index] for index in stays) for name in PARALLEL if (values := getattr(findings, name))}
    left = table["row"].take(pa.array([findings.rows[index] for index in stays], pa.int64())).to_pylist()
    return replace(findings, counts={}, details=_without(findings.details, left, len(stays)), **cells)


def _without(details: Mapping[str, Any], left: Collection[str], number: int) -> dict[str, Any]:
    """What the report shows beside the findings, with examples of those that are left."""
    return {name: entry | {"found": number, "examples": [row for row in entry["examples"] if row["row"] in left]}
            for name, entry in details.items()}


def _meant(table: pa.Table, column: str | None, *,
           by_row: Mapping[tuple[str, str | None], Sequence[Verdict]]) -> Iterable[tuple[int, Verdict]]:
    """Every row of a table with every verdict about it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pa.array(sorted({key for key, _ in by_row}), table.schema.field("hash").type)
    rows = pc.indices_nonzero(pc.is_in(table["hash"], value_set=known))
    labels = table[column].take(rows).to_pylist() if column else [None] * len(rows)
    for row, key, label in zip(rows.to_pylist(), table["hash"].take(rows).to_pylist(), labels, strict=True):
        for verdict in by_row.get((key, label), ()):
            yield row, verdict


def _relabelling(rows: Sequence[tuple[int, Verdict]], column: str) -> Findings:
    reasons = tuple(_reason(verdict) for _, verdict in rows)
    return Findings(tuple(row for row, _ in rows), (column,) * len(rows), reasons,
                    tuple(verdict.label for _, verdict in rows), tuple(verdict.to for _, verdict in rows))


def _dropping(rows: Sequence[tuple[int, Verdict]], table: pa.Table, roles: Mapping[str, str]) -> Findings:
    reasons = [_reason(verdict) for _, verdict in rows]
    return about_rows(table, roles, rows=[row for row, _ in rows], reasons=reasons)


def _reason(verdict: Verdict) -> str:
    """Example: verdict of 2026-11-22 on near_contradictions: relabel."""
    return f"verdict of {verdict.date[:10]} on {verdict.rule}: {verdict.verdict}"


def _check_labels(used: Iterable[Verdict], splits: Mapping[str, pa.Table], column: str | None) -> None:
    given = {verdict.to: verdict for verdict in used if verdict.verdict == RELABEL}
    known = set(splits["train"][column].unique().to_pylist()) if column and given else set()
    strange = sorted(f"{to!r} ({verdict.row})" for to, verdict in given.items() if to not in known)
    if strange:
        raise DataError("clean.verdicts", f"verdicts give labels that no training row has: {some(strange)}. Labels: "
                                          f"{some(sorted(filter(None, known)))}. Give these rows a verdict again, or "
                                          "set clean.verdicts=off.")


def _by_kind(verdicts: Iterable[Verdict]) -> dict[str, int]:
    counts = Counter(verdict.verdict for verdict in verdicts)
    return {kind: counts[kind] for kind in (KEEP, DROP, RELABEL)}
