"""The table of findings that a person is asked to judge, as spreadsheets like it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from finetune.clean.label_text import label_column
from finetune.clean.ledger import LedgerLine
from finetune.clean.review.verdicts import DROP, KEEP, RELABEL, Verdict
from finetune.clean.row_text import written
from finetune.write import write_text

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

FILE = "review.csv"  # in `data` of a run; shows rows as they are, so it stays on this machine
COLUMNS = ("row", "split", "hash", "rule", "label", "suggestion", "confidence", "reason", "text", "verdict")
MOST = 5_000  # findings in a sheet: more than anybody judges in one go
MAX_TEXT = 1_000  # characters of a cell; a spreadsheet takes 32,767

# Asked about whatever was done, since a person may know which label is right.
ABOUT_LABELS = ("contradictions", "label_errors")
# Not asked about: which split keeps a row is a matter of policy.
ABOUT_SPLITS = ("leakage",)

# A spreadsheet takes what begins like this for a formula (OWASP, CSV injection); apostrophes before it are doubled, so
# that taking one away gives back every cell.
FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
UNSHOWN = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")  # a line of the sheet is one line of the file


def questions(ledger: Iterable[LedgerLine], roles: Mapping[str, str], *,
              policies: Mapping[str, str]) -> list[LedgerLine]:
    """One line for each row and rule that a person can judge, the surest first, then in the order of the ledger.

    `policies` say what each rule did with training rows.
    """
    asked: dict[tuple[str, int | None, str], LedgerLine] = {}
    for line in ledger:
        if _is_open(line, roles, policies.get(line.rule)):
            asked.setdefault((line.split, line.position, line.rule), line)
    return sorted(asked.values(), key=lambda line: 1.0 if line.confidence is None else -line.confidence)


def _is_open(line: LedgerLine, roles: Mapping[str, str], policy: str | None) -> bool:
    if line.rule in ABOUT_SPLITS:
        return False
    if line.rule in ABOUT_LABELS:
        return True
    settled = policy != "report" and line.split != "train"  # what is repaired or dropped where rows may be touched
    repairs = line.after is not None and roles.get(str(line.column)) != "label"  # what a policy mends for all rows
    return line.action == "reported" and not repairs and not settled


def summed(asked: Sequence[LedgerLine]) -> dict[str, int]:
    """How many findings there are to judge, and how many of them a sheet lists."""
    return {"findings": len(asked), "listed": min(len(asked), MOST)}


def write(asked: Sequence[LedgerLine], splits: Mapping[str, pa.Table], roles: Mapping[str, str], *,
          file: Path, known: Iterable[Verdict] = ()) -> None:
    """Write the sheet of the first MOST questions about these rows, which are as they came.

    UTF-8 with its mark, since spreadsheets ask for it; what is `known` to have been decided stands in it already.
    """
    decided = {(*verdict.key, verdict.rule): _word(verdict) for verdict in known}
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cells in _cells(asked[:MOST], splits, roles):
        cells["verdict"] = decided.get((cells["hash"], cells["label"], cells["rule"]), "")
        writer.writerow([defused(plain(cells[name])) for name in COLUMNS])
    write_text(file, "\ufeff" + sheet.getvalue())


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `restored` is the way back."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """The cell as it was before `defused`."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def plain(cell: str | None) -> str:
    """A cell as the sheet shows it: on one line, and cut where it is very long."""
    text = UNSHOWN.sub(" ", cell or "")
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 3]}..."


def _cells(asked: Sequence[LedgerLine], splits: Mapping[str, pa.Table],
           roles: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    label = label_column(roles)
    about = [name for name, kind in roles.items() if kind in ("text", "tokens", "image")]
    for line in asked:
        (row,) = splits[line.split].slice(line.position, 1).to_pylist()
        texts = (written(row[name]) for name in about)
        shown = [text for text in texts if isinstance(text, str)]  # a picture of the Hub has bytes
        yield {
            "row": line.row, "split": line.split, "hash": row["hash"], "rule": line.rule,
            "label": row[label] if label else None, "suggestion": line.after if line.column == label else None,
            "confidence": None if line.confidence is None else f"{line.confidence:.2f}", "reason": line.reason,
            "text": " | ".join(shown) or line.row,
        }


def _word(verdict: Verdict) -> str:
    """What a person writes into the sheet to say this."""
    if verdict.verdict != RELABEL:
        return verdict.verdict
    to = str(verdict.to)
    return f"label: {to}" if to.casefold() in (KEEP, DROP) else to
