"""The book of cleaning: one line per row that a rule touched, and what the lines add up to."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from finetune.clean import personal_data
from finetune.clean.label_text import columns, names
from finetune.clean.row_text import written
from finetune.contracts import Cell
from finetune.errors import DataError
from finetune.write import write_lines

if TYPE_CHECKING:
    import pyarrow as pa

# What a finding of these rules in a validation or test row says about its score; blanks at its ends say nothing, and
# suspected labels are those with which the same backbone disagrees: a score without them would flatter it.
FLAGGING = ("encoding", "markup", "blanks", "language", "labels_in_text", "contradictions", "duplicates",
            "near_contradictions", "near_duplicates", "leakage")
POSITION = "position"  # of a row in its split as it came; the engine adds it and takes it off
Labelled = str | list[str] | None
PRIVATE = "private.jsonl"  # beside the ledger; never pushed


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What was done to one row and why; `hash` is that of the row before it was done.

    `before` and `after` are the cell of `column`; `position` counts the rows of the split as they came, from 0. A line
    that drops a row keeps its other cells, so that cleaned rows and ledger give the original rows back.
    """

    row: str  # file:number
    hash: str
    split: str
    rule: str
    action: Literal["dropped", "changed", "moved", "reported"]
    reason: str
    before: Cell = None
    after: Cell = None
    column: str | None = None
    position: int | None = None
    cells: Mapping[str, Any] = field(default_factory=dict)
    masked: bool = False  # whether personal data or the bytes of a picture were left out; PRIVATE has the whole line
    confidence: float | None = None  # how sure the rule is of it, 0 to 1, where it can tell


def numbered(table: pa.Table) -> pa.Table:
    """The table with a column that keeps the position of every row."""
    import numpy as np
    import pyarrow as pa

    return table.append_column(POSITION, pa.array(np.arange(table.num_rows)))


def with_cells(lines: Sequence[LedgerLine], rows: pa.Table) -> list[LedgerLine]:
    """The lines that drop these rows, with every cell that they do not quote already."""
    cells = rows.drop_columns(["row", "hash", POSITION]).to_pylist()
    return [
        replace(line, cells={name: cell for name, cell in of_row.items() if (name, cell) != (line.column, line.before)})
        for line, of_row in zip(lines, cells, strict=True)
    ]


def write(lines: Iterable[LedgerLine], file: Path) -> None:
    """Write one JSON object per line; the file appears complete or not at all.

    Personal data is masked in it. The lines in full, where they differ, go into PRIVATE beside it, which is not to
    leave the machine.
    """
    whole = list(lines)
    public = _public(whole)
    private = [{"line": number, **asdict(line), "cells": _coded(line.cells)}
               for number, (line, shown) in enumerate(zip(whole, public, strict=True), start=1) if shown.masked]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_name(PRIVATE).unlink(missing_ok=True)
    if private:
        write_lines(file.with_name(PRIVATE), private, mode=0o600)
    write_lines(file, map(asdict, public))


def read(file: Path) -> tuple[LedgerLine, ...]:
    """Read what `write` wrote, in full while PRIVATE is beside it; DataError names the first line that is none."""
    private = file.with_name(PRIVATE)
    full = {line["line"]: line for _, line in _objects(private, keys={"line"})} if private.is_file() else {}
    lines = []
    for number, line in _objects(file, keys={"row", "hash", "split", "rule", "action", "reason"}):
        if number in full and line.get("masked"):
            line = full[number] | {"cells": _decoded(full[number]["cells"])}
            del line["line"]
        lines.append(LedgerLine(**line))
    return tuple(lines)


def _objects(file: Path, *, keys: set[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    known = {entry.name for entry in fields(LedgerLine)} | {"line"}
    with file.open(encoding="utf-8", newline="\n") as source:  # cells may hold line breaks of other kinds
        for number, text in enumerate(source, start=1):
            try:
                found = json.loads(text)
                wrong = (keys - set(found)) | (set(found) - known)
            except (ValueError, TypeError) as error:
                raise _no_line(file, number, str(error)) from error
            if wrong or not isinstance(found, dict):
                raise _no_line(file, number, f"keys {sorted(map(str, wrong))}")
            yield number, found


def _no_line(file: Path, number: int, why: str) -> DataError:
    return DataError(f"{file}:{number}", f"this is not a ledger line ({why}). Restore the file, or clean the rows "
                                         "again.")


def _public(lines: Sequence[LedgerLine]) -> list[LedgerLine]:
    """The lines as they may be shown: personal data masked, bytes left out."""
    masks = personal_data.masks({text for line in lines for text in _texts(line)})
    return [_shown(line, masks) if _hides(line, masks) else line for line in lines]


def _texts(line: LedgerLine) -> Iterator[str]:
    for text in map(written, (line.reason, line.before, line.after, *line.cells.values())):
        if isinstance(text, str):
            yield text


def _hides(line: LedgerLine, masks: Mapping[str, str]) -> bool:
    return any(text in masks for text in _texts(line)) or any(isinstance(cell, bytes) for cell in line.cells.values())


def _shown(line: LedgerLine, masks: Mapping[str, str]) -> LedgerLine:
    cells = {name: None if isinstance(cell, bytes) else masks.get(written(cell), cell)
             for name, cell in line.cells.items()}
    texts = {name: masks.get(text, text) for name in ("reason", "before", "after") if (text := getattr(line, name))}
    return replace(line, **texts, cells=cells, masked=True)


def _coded(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The cells as JSON has them: bytes are in base64."""
    return {name: {"base64": base64.b64encode(cell).decode()} if isinstance(cell, bytes) else cell
            for name, cell in cells.items()}


def _decoded(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {name: base64.b64decode(cell["base64"]) if isinstance(cell, dict) and "base64" in cell else cell
            for name, cell in cells.items()}


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


def class_counts(before: Sequence[Labelled], after: Sequence[Labelled]) -> dict[str, dict[str, int]]:
    """Rows per label before and after cleaning, labels in alphabetical order; rows without label are left out."""
    old, new = (Counter(chain.from_iterable(map(names, cells))) for cells in (before, after))
    return {label: {"before": old[label], "after": new[label]} for label in sorted(old)}


def fingerprint(table: pa.Table) -> str:
    """Sha256 over the row hashes in order: equal for two splits of equal content in equal order."""
    found = hashlib.sha256()
    for start in range(0, table.num_rows, 10_000):  # all at once they would be as large as the table
        lines = table["hash"].slice(start, 10_000).to_pylist()
        found.update("\n".join(["", *lines] if start else lines).encode())
    return found.hexdigest()


def labels(table: pa.Table, roles: Mapping[str, str]) -> list[Labelled]:
    """The label of each row, or its list of labels; None for all where the task has no label column."""
    column = next(iter(columns(roles)), None)
    return table[column].to_pylist() if column else [None] * table.num_rows


def sums(before: Mapping[str, pa.Table], after: Mapping[str, pa.Table], *, roles: Mapping[str, str],
         ledger: Sequence[LedgerLine]) -> dict[str, Any]:
    """Classes and rows before and after cleaning, doubtful held-out rows, and what each split is known by."""
    named = {split: (labels(before[split], roles), labels(after[split], roles)) for split in before}
    return {
        "classes": {split: class_counts(*of_split) for split, of_split in named.items()},
        "rows": {split: {"before": before[split].num_rows, "after": after[split].num_rows} for split in before},
        "flagged": flagged(ledger, after),
        "fingerprints": {split: fingerprint(table) for split, table in after.items()},
    }


def summary(quality: Mapping[str, Any]) -> list[tuple[str, str]]:
    """One line per rule that found something, in the order in which the rules ran.

    Example: ("personal_data", "96 reported of 1,106 training rows (email 90, phone 12); 3 reported in validation").
    """
    num_rows = quality["rows"]["train"]["before"]
    lines = []
    for rule, entry in [*quality["rules"].items(), ("leakage", quality["leakage"])]:
        counts = entry["splits"]
        done = [f"{counts['train'][action]:,} {action}" for action in ("changed", "dropped", "reported")
                if counts.get("train", {}).get(action)]
        by_kind = ", ".join(f"{kind} {number:,}" for kind, number in counts.get("train", {}).get("kinds", {}).items())
        parts = [f"{', '.join(done)} of {num_rows:,} training rows{f' ({by_kind})' if by_kind else ''}"] if done else []
        parts += [f"{of_split['reported']:,} reported in {split}" for split, of_split in counts.items()
                  if split != "train" and of_split["reported"]]
        if parts:
            lines.append((rule, "; ".join(parts)))
    return lines
