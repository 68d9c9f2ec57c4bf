"""Answers that do not stand in their context where they are said to: nobody can learn to point at them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

order = 42  # beside missing labels; before copies are told apart by their labels
kinds: tuple[str, ...] = ("answers",)
default = "drop"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

CONTEXT = "context"


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Rows of which an answer is elsewhere in the context, or not in it at all, or empty."""
    column = next(name for name, kind in roles.items() if kind == "answers")
    found: list[tuple[int, str, str, str | None, None]] = []
    counts: dict[str, int] = {}
    for row, (context, answers) in enumerate(zip(table[CONTEXT].to_pylist(), table[column].to_pylist(), strict=True)):
        wrong = _wrong(context or "", answers)
        if wrong is not None:
            kind, reason, answer = wrong
            counts[kind] = counts.get(kind, 0) + 1
            found.append((row, column, reason, answer, None))
    return Findings(*zip(*found, strict=True), counts=counts) if found else Findings()


def moved(table: pa.Table, contexts: Mapping[int, str]) -> pa.Table:
    """The table with its answers where they are in these other contexts, which it does not have yet.

    The third time that the text of an answer stands in the old context becomes the third in the new one; where there
    it stands more or less often, or stood elsewhere before, its place is left as it is. So the way back is the same.
    """
    import pyarrow as pa

    places = [place for place, field in enumerate(table.schema) if pa.types.is_struct(field.type)]
    for place in places:
        field, cells = table.schema.field(place), table.column(place).to_pylist()
        for row, context in contexts.items():
            if cells[row] is not None:
                cells[row] = _moved(cells[row], table[CONTEXT][row].as_py() or "", context or "")
        table = table.set_column(place, field, pa.array(cells, field.type))
    return table


def _moved(answers: Mapping[str, Any], before: str, after: str) -> dict[str, Any]:
    starts = []
    for text, start in zip(answers["text"], answers["answer_start"], strict=True):
        old, new = (_occurrences(text, context) for context in (before, after))
        starts.append(new[old.index(start)] if start in old and len(old) == len(new) else start)
    return {**answers, "answer_start": starts}


def _occurrences(text: str, context: str) -> list[int]:
    return [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)] if text else []


def _wrong(context: str, answers: Mapping[str, Any] | None) -> tuple[str, str, str] | None:
    """What is wrong with the first answer that is: its kind, the reason, and the answer."""
    for text, start in zip(*((answers or {}).get(name) or () for name in ("text", "answer_start")), strict=True):
        if not text.strip():
            return "empty", "an answer is empty", text
        if start >= 0 and context[start : start + len(text)] == text:
            continue
        place = context.find(text)
        if place < 0:
            return "not there", f"the answer {text[:60]!r} is not in the context", text
        return "elsewhere", f"the answer {text[:60]!r} is said to begin at {start} but begins at {place}", text
    return None
