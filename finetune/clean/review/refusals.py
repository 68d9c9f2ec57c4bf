"""Why rows cannot be learnt from as they are: all reasons at once, each with its rows and a way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from finetune.clean.label_spelling import spelling
from finetune.clean.label_text import names
from finetune.clean.review.sheet import ABOUT_SPLITS
from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.clean.ledger import LedgerLine
    from finetune.contracts import Findings


MOST_PAIRS = 50  # of rows that two splits share, in one message


class RefusedError(DataError):
    """Cleaning has found what must not be; carries every message, and the tally of all checks."""

    def __init__(self, messages: Sequence[str], tally: Sequence[Mapping[str, Any]]) -> None:
        where, _, what = "\n".join(messages).partition(": ")
        super().__init__(where, what)
        self.messages = tuple(messages)
        self.tally = tuple(tally)


def way_out(policies: Collection[str]) -> str:
    """The policy that a failing rule offers instead."""
    return next(policy for policy in ("fix", "drop") if policy in policies)


def messages(rule: str, tables: Mapping[str, pa.Table], found: Mapping[str, Findings], *,
             policy: str, policies: Collection[str]) -> list[str]:
    """One message for each split in which the findings of a rule must not be."""
    told = []
    for split, findings in found.items():
        # A held-out row is never dropped, so a rule that cannot merely report leaves no choice.
        fails = policy == "fail" if split == "train" else "report" not in policies
        if not (fails and findings):
            continue
        rows = list(dict.fromkeys(tables[split]["row"].take(list(findings.rows)).to_pylist()))
        like_it = f" {len(rows):,} rows like it ({some(numbers(rows))})." if len(rows) > 1 else ""
        fix = "Fix them" if like_it else "Fix it"
        means = f" or set clean.{rule}={way_out(policies)}" if split == "train" else f": {split} rows are never dropped"
        pairs = _listed(rows, findings.reasons) if rule in ABOUT_SPLITS else ""
        told.append(f"data.files.{split}: {rows[0]}: {findings.reasons[0]}.{like_it} {fix}{means}.{pairs}")
    return told


def _listed(rows: Sequence[str], copies: Sequence[str]) -> str:
    """A line for every row but the first, which the message has named, with the copy that it has in another split."""
    lines = [f"\n  {row}: {copy}" for row, copy in zip(rows, copies, strict=True)][1:]
    more = f"\n  and {len(lines) - MOST_PAIRS:,} more; with clean.leakage=report the ledger lists them all"
    return "".join(lines[:MOST_PAIRS]) + (more if len(lines) > MOST_PAIRS else "")


def numbers(rows: Sequence[str]) -> list[str]:
    """The line numbers alone where all rows are lines of one file, else the rows as they are."""
    parts = [row.rpartition(":") for row in rows]
    one_file = len({file for file, _, _ in parts}) == 1 and all(number.isdecimal() for _, _, number in parts)
    return [number for _, _, number in parts] if one_file else list(rows)


def nothing_left(before: Mapping[str, Sequence[Any]], after: Sequence[str | list[str] | None],
                 ledger: Sequence[LedgerLine], *, failed: Collection[str]) -> list[str]:
    """The message that no training row is left, or none of a label that had some.

    `before` is row name and label of every training row that cleaning began with, `after` are the labels that are
    left. What rules that have `failed` took away does not count: whether it goes is not settled.
    """
    labels = before["label"]
    lines = [line for line in ledger if line.action == "dropped" and line.split == "train"]
    rows = {line.row for line in lines}
    labels_of: dict[str, list[Any]] = {row: names(cell) or [None]
                                       for row, cell in zip(before["row"], labels, strict=True) if row in rows}
    dropped: Counter[tuple[str | None, str]] = Counter(
        (label, line.rule) for line in lines for label in labels_of.get(line.row, ()))
    unsettled = {label for label, rule in dropped if rule in failed}
    known, left_over = (set(chain.from_iterable(map(names, cells))) for cells in (labels, after))
    respelt = {spelling(label) for label in left_over}  # a rarer spelling that goes is no label that is lost
    gone = sorted(label for label in known - left_over - unsettled if spelling(label) not in respelt)
    if not after and not unsettled:
        left = f"none ({_blame(dropped, {None, *known})})"
    elif gone:
        left = "none of " + ", ".join(f"label {label!r} ({_blame(dropped, {label})})" for label in gone)
    else:
        return []
    return [f"data.files.train: of {len(labels):,} training rows cleaning left {left}. Every label needs at least one "
            "row. Add rows, or set the policy of these rules to 'report'."]


def _blame(dropped: Mapping[tuple[str | None, str], int], labels: set[str | None]) -> str:
    counts: Counter[str] = Counter()
    for (label, rule), num_rows in dropped.items():
        counts[rule] += num_rows if label in labels else 0
    blamed = [f"{rule} dropped {num_rows:,}" for rule, num_rows in counts.items() if num_rows]
    return ", ".join(blamed) or "there were none"
