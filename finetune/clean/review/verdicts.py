"""A person's verdicts on findings: what they say, how they are kept, and which one holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from finetune.errors import DataError, some
from finetune.write import write_lines

FILE = "verdicts.jsonl"  # beside the runs of a recipe, and a copy in every run that was started with them
KEEP, DROP, RELABEL = "keep", "drop", "relabel"

# Of the setting `clean.verdicts`. Rows that scores are computed on are only touched where somebody says so.
default = "train"
policies: tuple[str, ...] = ("off", "train", "all")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person decided about the rows of one content and label.

    `hash` and `label` are those of the row as it was read. `keep` says that the finding of `rule` is wrong, `drop`
    takes the row out, `relabel` gives it the label `to`. The rest says where and when it was decided.
    """

    hash: str
    label: str | None
    rule: str
    verdict: str
    to: str | None = None
    row: str = ""
    reason: str = ""
    date: str = ""

    @property
    def key(self) -> tuple[str, str | None]:
        """What it is about: the content of a row and the label that it had."""
        return self.hash, self.label

    @property
    def decides(self) -> bool:
        """Whether it decides about the row, and not about one rule's finding alone."""
        return self.verdict != KEEP


def merged(known: Iterable[Verdict], new: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """All verdicts that hold once `new` were given: per row the last one of each rule, and the last that decides."""
    held: dict[tuple[str, str | None, str], Verdict] = {}
    deciding: dict[tuple[str, str | None], str] = {}  # row -> the rule under which it was decided
    for verdict in (*known, *new):
        decided = deciding.pop(verdict.key, None)
        if decided is not None and (verdict.decides or decided == verdict.rule):
            del held[*verdict.key, decided]
        elif decided is not None:
            deciding[verdict.key] = decided
        if verdict.decides:
            deciding[verdict.key] = verdict.rule
        held.pop((*verdict.key, verdict.rule), None)  # the newest stands last
        held[*verdict.key, verdict.rule] = verdict
    return tuple(held.values())


def write(verdicts: Iterable[Verdict], file: Path) -> None:
    """Write one JSON object per line; the file appears complete or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_lines(file, map(asdict, verdicts))


def read(file: Path) -> tuple[Verdict, ...]:
    """Read what `write` wrote, nothing where there is no file; DataError names every line that is none."""
    if not file.is_file():
        return ()
    found, wrong = [], []
    for number, line in _lines(file):
        verdict = _verdict(line)
        if verdict is None:
            wrong.append(number)
        else:
            found.append(verdict)
    if wrong:
        raise DataError(str(file), f"there is no verdict in lines {some(wrong)}. Remove these lines, or set "
                                   "clean.verdicts=off.")
    return tuple(found)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    with file.open(encoding="utf-8", errors="replace", newline="\n") as opened:  # a broken line is named, not a codec
        yield from ((number, line) for number, line in enumerate(opened, start=1) if line.strip())


def _verdict(line: str) -> Verdict | None:
    try:
        value = json.loads(line)
        verdict = Verdict(**value)
    except (ValueError, TypeError):
        return None
    words = all(isinstance(getattr(verdict, entry.name), str | None) for entry in fields(Verdict))
    known = verdict.verdict in (KEEP, DROP) or (verdict.verdict == RELABEL and verdict.to is not None)
    return verdict if words and known and verdict.hash and verdict.rule else None
