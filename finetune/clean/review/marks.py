"""A sheet that comes back from a person: read however a spreadsheet has saved it, and held against the rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetune.clean.label_text import label_column
from finetune.clean.review.sheet import plain, restored
from finetune.clean.review.verdicts import DROP, KEEP, RELABEL, Verdict
from finetune.errors import DataError, nearest, some

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

NEEDED = ("hash", "rule", "label", "verdict")
DELIMITERS = ",;\t"  # a spreadsheet takes what its country uses
EXPLICIT = re.compile(r"label\s*:\s*(.*\S)", re.IGNORECASE)  # for a label that is called keep or drop
MOST_PROBLEMS = 20
LONGEST_CELL = 131_072  # letters; a sheet that `finetune clean` wrote has none near it


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a sheet in which somebody has written a verdict."""

    where: str  # file:line
    row: str
    hash: str
    rule: str
    label: str
    verdict: str
    reason: str  # what the finding said


def read(file: Path) -> tuple[Mark, ...]:
    """The lines that have a verdict; DataError where the file is no review sheet or nobody has written into it."""
    text = _decoded(file)
    head = text.partition("\n")[0]
    csv.field_size_limit(LONGEST_CELL)  # readers of tables, which take longer ones, set their own
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=head.count))
    names = [name.strip().casefold() for name in next(reader, [])]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise DataError(str(file), f"has no column {some(missing)}; columns found: {some(names, 12) or 'none'}. Give "
                                   "the review.csv that `finetune clean` wrote, with your verdicts in it.")
    marks = list(_marks(reader, names, file))
    if not marks:
        raise DataError(str(file), "no line has a verdict. Write keep, drop or a label into the column 'verdict' and "
                                   "save the file as CSV.")
    return tuple(marks)


def _marks(lines: Any, names: Sequence[str], file: Path) -> Iterator[Mark]:
    start = lines.line_num + 1
    try:
        for cells in lines:
            cells += [""] * (len(names) - len(cells))  # a spreadsheet may leave out the empty ones at the end
            found = dict(zip(names, (restored(cell.strip()) for cell in cells), strict=False))
            if found["verdict"]:
                yield Mark(f"{file}:{start}", found.get("row", ""), found["hash"], found["rule"], found["label"],
                           found["verdict"], found.get("reason", ""))
            start = lines.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file}:{start}", f"cannot be read ({error}). Take the sheet as it was written, and write "
                                           "into the column 'verdict' only.") from error


def _decoded(file: Path) -> str:
    """The text of a file, of which spreadsheets make UTF-8, UTF-16 or Windows-1252."""
    if not file.is_file():
        raise DataError(str(file), "there is no such file. `finetune clean` names the place of its review.csv.")
    data = file.read_bytes()
    if data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        raise DataError(str(file), "is a workbook, not a CSV file. Save the sheet as CSV (UTF-8) and give that.")
    for encoding in (("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError(str(file), "is in no encoding that spreadsheets write. Save the sheet as CSV (UTF-8).")


def verdicts(marks: Sequence[Mark], splits: Mapping[str, pa.Table], roles: Mapping[str, str], *,
             rules: Iterable[str], date: str) -> tuple[Verdict, ...]:
    """What the marks say about these rows, which are as they were read; DataError with everything that is wrong."""
    column = label_column(roles)
    labels = _names(splits["train"], column)
    had = _labels_of({mark.hash for mark in marks}, splits, column)
    offered, problems, found = list(rules), [], []
    for mark in marks:
        said = _said(mark, had.get(mark.hash), labels=labels, rules=offered)
        if isinstance(said, str):
            problems.append(f"{mark.where}: {said}")
        else:
            label, verdict, to = said
            found.append((mark, Verdict(mark.hash, label, mark.rule, verdict, to, mark.row, mark.reason, date)))
    problems += _disagreeing(found)
    if problems:
        more = len(problems) - MOST_PROBLEMS
        shown = problems[:MOST_PROBLEMS] + ([f"{more:,} more lines are wrong."] if more > 0 else [])
        where, _, what = "\n".join(shown).partition(": ")
        raise DataError(where, what)
    return tuple(dict.fromkeys(verdict for _, verdict in found))


def _said(mark: Mark, had: Sequence[str | None] | None, *, labels: Sequence[str],
          rules: Sequence[str]) -> tuple[str | None, str, str | None] | str:
    """The label that the row has, the verdict and its new label; or what is wrong."""
    if mark.rule not in rules:
        return f"there is no rule {mark.rule!r}.{nearest(mark.rule, rules)} Leave the column 'rule' as it was."
    if had is None:
        return (f"no row has the hash {mark.hash!r}. Leave the column 'hash' as it was, and name the data as they were "
                "when the sheet was written; where they have changed since, clean again without --apply.")
    label = _like(mark.label, [name or "" for name in had]) if mark.label or had != [None] else ""
    if label is None:
        return (f"the row is labelled {some(sorted(map(repr, had)))} in the data, in this sheet {mark.label!r}. Leave "
                "the column 'label' as it was and write the new label into 'verdict'.")
    verdict, to = _meaning(mark.verdict, labels)
    if not verdict:
        known = [KEEP, DROP, *labels]
        return (f"verdict {mark.verdict!r} found, allowed is {KEEP}, {DROP} or a label "
                f"({some(labels, 12) or 'these rows have none'}).{nearest(mark.verdict, known)}")
    own = label or None
    return (own, KEEP, None) if verdict == RELABEL and to == own else (own, verdict, to)


def _meaning(cell: str, labels: Sequence[str]) -> tuple[str, str | None]:
    """Verdict and new label of a cell; an empty verdict where it says nothing known."""
    if cell.casefold() in (KEEP, DROP):
        return cell.casefold(), None
    explicit = EXPLICIT.fullmatch(cell)
    for name in (cell, explicit[1] if explicit else cell):
        if (label := _like(name, labels)) is not None:
            return RELABEL, label
    return "", None


def _like(cell: str, labels: Sequence[str]) -> str | None:
    """The one label that a cell means: the same, or as a spreadsheet may have respelt it (TRUE for true, 1 for 01)."""
    if cell in labels:
        return cell
    for spelt in (_shown, _number):
        alike = [label for label in labels if spelt(label) is not None and spelt(label) == spelt(cell)]
        if len(alike) == 1:
            return alike[0]
    return None


def _shown(text: str) -> str | None:
    return plain(text).strip().casefold()


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _names(table: pa.Table, column: str | None) -> list[str]:
    return sorted(filter(None, table[column].unique().to_pylist())) if column else []


def _labels_of(hashes: set[str], splits: Mapping[str, pa.Table], column: str | None) -> dict[str, list[str | None]]:
    """Hash to the labels of the rows that have it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: dict[str, dict[str | None, None]] = {}
    for table in splits.values():
        asked = pa.array(sorted(hashes), table.schema.field("hash").type)
        rows = pc.indices_nonzero(pc.is_in(table["hash"], value_set=asked))
        labels = table[column].take(rows).to_pylist() if column else [None] * len(rows)
        for key, label in zip(table["hash"].take(rows).to_pylist(), labels, strict=True):
            found.setdefault(key, {})[label] = None
    return {key: list(labels) for key, labels in found.items()}


def _disagreeing(found: Sequence[tuple[Mark, Verdict]]) -> list[str]:
    """Lines about equal rows that cannot all be followed: two decisions on a row, or two answers to one rule."""
    said: dict[tuple[object, ...], dict[tuple[str, str | None], Mark]] = {}
    for mark, verdict in found:
        way = verdict.verdict, verdict.to
        said.setdefault((*verdict.key, verdict.rule), {}).setdefault(way, mark)
        if verdict.decides:
            said.setdefault(verdict.key, {}).setdefault(way, mark)
    problems: Counter[str] = Counter()
    for ways in said.values():
        if len(ways) > 1:
            first, second = list(ways.values())[:2]
            problems[f"{second.where}: {second.verdict!r} disagrees with {first.verdict!r} in line "
                     f"{first.where.rpartition(':')[2]}, which is about the same content and label. Leave one of "
                     "them."] += 1
    return list(problems)
