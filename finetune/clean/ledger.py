"""The book of cleaning: one line per row that a rule touched, and what the lines add up to."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from finetune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

# What a finding of these rules in a validation or test row says about its score; blanks at its ends say nothing.
FLAGGING = ("encoding", "blanks", "contradictions", "duplicates", "near_contradictions", "near_duplicates", "leakage")


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What was done to one row and why; `hash` is that of the row before it was done."""

    row: str  # file:number
    hash: str
    split: str
    rule: str
    action: Literal["dropped", "changed", "moved", "reported"]
    reason: str
    before: str | None = None
    after: str | None = None


def write(lines: Iterable[LedgerLine], file: Path) -> None:
    """Write one JSON object per line; the file appears complete or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as out:
            for line in lines:
                out.write(json.dumps(asdict(line), ensure_ascii=False) + "\n")
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def read(file: Path) -> tuple[LedgerLine, ...]:
    """Read what `write` wrote; DataError names the first line that is none of it."""
    lines = []
    with file.open(encoding="utf-8", newline="\n") as source:  # cells may hold line breaks of other kinds
        for number, text in enumerate(source, start=1):
            try:
                lines.append(LedgerLine(**json.loads(text)))
            except (ValueError, TypeError) as error:
                what = f"this is no ledger line ({error}). Restore the file, or clean the rows again."
                raise DataError(f"{file}:{number}", what) from error
    return tuple(lines)


def tally(lines: Iterable[LedgerLine], splits: Iterable[str]) -> dict[str, dict[str, int]]:
    """How many findings each split had, and how many of them were changed, dropped and reported."""
    counts: Counter[tuple[str, str]] = Counter((line.split, line.action) for line in lines)
    actions = ("changed", "dropped", "reported")
    by_split = {split: {action: counts[split, action] for action in actions} for split in splits}
    return {split: {"found": sum(of_split.values()), **of_split} for split, of_split in by_split.items()}


def flagged(lines: Iterable[LedgerLine], splits: Mapping[str, pa.Table]) -> dict[str, list[str]]:
    """The validation and test rows that a score should also be shown without, in the order of the table."""
    doubtful = {(line.split, line.row) for line in lines if line.rule in FLAGGING}
    return {
        split: [row for row in table["row"].to_pylist() if (split, row) in doubtful]
        for split, table in splits.items() if split != "train"
    }


def class_counts(before: Sequence[str | None], after: Sequence[str | None]) -> dict[str, dict[str, int]]:
    """Rows per label before and after cleaning, labels in alphabetical order; rows without label are left out."""
    old, new = Counter(before), Counter(after)
    return {label: {"before": old[label], "after": new[label]} for label in sorted(filter(None, old))}


def fingerprint(table: pa.Table) -> str:
    """Sha256 over the row hashes in order: equal for two splits of equal content in equal order."""
    return hashlib.sha256("\n".join(table["hash"].to_pylist()).encode()).hexdigest()


def summary(quality: Mapping[str, Any]) -> list[tuple[str, str]]:
    """One line per rule that found something, in the order in which the rules ran.

    Example: ("duplicates", "96 dropped of 1,106 training rows; 3 reported in validation").
    """
    num_rows = quality["rows"]["train"]["before"]
    lines = []
    for rule, entry in [*quality["rules"].items(), ("leakage", quality["leakage"])]:
        counts = entry["splits"]
        done = [f"{counts['train'][action]:,} {action}" for action in ("changed", "dropped", "reported")
                if counts.get("train", {}).get(action)]
        parts = [f"{', '.join(done)} of {num_rows:,} training rows"] if done else []
        parts += [f"{of_split['reported']:,} reported in {split}" for split, of_split in counts.items()
                  if split != "train" and of_split["reported"]]
        if parts:
            lines.append((rule, "; ".join(parts)))
    return lines
