"""How findings look on a terminal: counts by rule, what is worth a look, examples, labels."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from finetune.contracts import SPLITS
from finetune.verbs.arguments import out

if TYPE_CHECKING:
    from finetune.clean.ledger import LedgerLine

NUM_EXAMPLES = 3  # per rule
NUM_LABELS = 10
STYLES = {"good": "green", "warn": "yellow", "fail": "bold red"}


def show(quality: Mapping[str, Any], lines: Sequence[LedgerLine]) -> None:
    """All that was found in the rows of a run; what a person should look at comes last."""
    _section("what was found", _counts(quality))
    if lines:
        out.print(f"[bold]up to {NUM_EXAMPLES} examples of each[/bold]")
        for text in _examples(lines, out.width):
            out.print(text, markup=False, highlight=False, soft_wrap=True)
    if quality["classes"]["train"]:  # a number has none
        _section("training rows by label", _labels(quality))
    doubtful(quality["tally"])


def doubtful(tally: Sequence[Mapping[str, str]]) -> None:
    """The checks that warn, each with its rows and what to do; those that fail are named by the error itself."""
    lines = [line for line in tally if line["level"] == "warn"]
    if lines:
        out.print("[bold]worth a look[/bold]")
    for line in lines:
        out.print(Text("  ") + Text(line["check"], STYLES["warn"]))
        for text in (f"{line['text']}: {line['rows']}", line["advice"]):
            out.print(_filled(text), markup=False, highlight=False, soft_wrap=True)


def _filled(text: str) -> str:
    return textwrap.fill(text, max(40, out.width), initial_indent=" " * 6, subsequent_indent=" " * 8,
                         break_long_words=False, break_on_hyphens=False)


def _section(title: str, table: Table) -> None:
    out.print(f"[bold]{title}[/bold]")
    out.print(Padding(table, (0, 0, 0, 2), expand=False))


def _counts(quality: Mapping[str, Any]) -> Table:
    """One line per rule, one column per split."""
    levels = {line["check"]: line["level"] for line in quality["tally"]}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("", "rule", "policy"):
        table.add_column(title, no_wrap=True, min_width=max(map(len, quality["rules"])) if title == "rule" else None)
    for split in SPLITS:
        table.add_column(f"{split}\n{quality['rows'][split]['before']:,}", justify="right")
    judged = [("verdicts", quality["verdicts"])] if "verdicts" in quality else []
    for rule, entry in [*judged, *quality["rules"].items(), ("leakage", quality["leakage"])]:
        if entry["policy"] != "off" and not entry["splits"]:
            continue  # nothing in this task for it to read
        cells = [_cell(entry["splits"].get(split, {})) for split in SPLITS]
        level = levels.get(rule, "")
        table.add_row(Text(level, STYLES.get(level, "")), rule, entry["policy"], *cells,
                      style=None if any(cell != "-" for cell in cells) else "dim")
    return table


def _cell(counts: Mapping[str, int]) -> str:
    done = [f"{counts[action]:,} {action}" for action in ("changed", "dropped", "reported") if counts.get(action)]
    return ", ".join(done) or "-"


def _examples(lines: Sequence[LedgerLine], width: int) -> Iterator[str]:
    """The first findings of every rule: where, why, and the text before and after, each line cut to the width."""
    seen: Counter[str] = Counter()
    for line in lines:
        seen[line.rule] += 1
        if seen[line.rule] == 1:
            yield f"  {line.rule}"
        if seen[line.rule] <= NUM_EXAMPLES:
            yield _cut(f"    {line.row}: {line.reason}", width)
            yield from _before_and_after(line, width - 8)


def _before_and_after(line: LedgerLine, width: int) -> list[str]:
    if not isinstance(line.before, str):
        return []
    if not isinstance(line.after, str):
        return [f"        {quoted(line.before, start=0, width=width)}"]
    pairs = zip(line.before, line.after, strict=False)
    same = next((i for i, (old, new) in enumerate(pairs) if old != new), min(len(line.before), len(line.after)))
    start = max(0, same - width // 3)
    return [f"      {mark} {quoted(text, start=start, width=width)}"
            for mark, text in (("-", line.before), ("+", line.after))]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def quoted(text: str, *, start: int, width: int) -> str:
    """A text in quotes from `start` on, cut to `width` characters, with what cannot be seen spelt out."""
    seen = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode()
                   for mark in text[start : start + width])
    head = "..." if start else ""
    room = width - len(head) - 2
    whole = len(seen) <= room and start + width >= len(text)
    return f'{head}"{seen}"' if whole else f'{head}"{seen[: room - 3]}"...'


def _labels(quality: Mapping[str, Any]) -> Table:
    """Rows per label before and after, so that a lopsided set is seen before it is trained on."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("label", overflow="ellipsis", no_wrap=True, max_width=30)
    for title in ("before", "after", "share"):
        table.add_column(title, justify="right")
    classes, total = quality["classes"]["train"], quality["rows"]["train"]["after"]
    ranked = sorted(classes.items(), key=lambda item: -item[1]["after"])
    for label, rows in ranked[:NUM_LABELS]:
        table.add_row(Text(label), f"{rows['before']:,}", f"{rows['after']:,}", f"{rows['after'] / total:.1%}")
    rest = [rows for _, rows in ranked[NUM_LABELS:]]
    if rest:
        before, after = (sum(rows[when] for rows in rest) for when in ("before", "after"))
        table.add_row(f"{len(rest)} more labels", f"{before:,}", f"{after:,}", f"{after / total:.1%}", style="dim")
    return table
