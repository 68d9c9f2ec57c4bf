"""Rows of the data set that the page shows, with what cleaning has to say of each: suspects, strangers, copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.report import rounding
from finetune.report.folder import Part, Run, finite
from finetune.report.tables import MOST_LETTERS

MOST, MOST_CLUSTERS = 12, 6
SURE = 0.99  # above, digits say nothing more
TEXTS_OF_A_CLUSTER = 2  # a reader sees what kind of copies they are
PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,")


@dataclass(frozen=True, slots=True)
class Shown:
    """One row: what is said of it, where it is from, and its text or its picture (a data URI)."""

    said: str
    row: str = ""
    text: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Copies that lie together: how many of which kind, some of them, and where they stand."""

    said: str
    members: Sequence[Shown]
    rows: str


def suspects(run: Run) -> list[Shown]:
    """Training rows whose label is suspected to be wrong, the surest first."""
    return [_shown(line, f"{line.get('label')} \N{RIGHTWARDS ARROW} {line.get('suggestion')}"
                         f"{_sure(line.get('confidence'))}") for line in _examples(run, "suspects")]


def strangers(run: Run) -> list[Shown]:
    """Rows far from every other row, the farthest first."""
    return [_shown(line, f"distance {rounding.amount(line.get('distance'))}") for line in _examples(run, "strangers")]


def clusters(run: Run) -> list[Cluster]:
    """The largest clusters of copies, with the rows that are shown of each."""
    found = []
    for part in run.quality.get("clusters") or ():
        size, rows = part.get("size", 0), [str(row) for row in part.get("rows") or ()]
        members = [_shown(line, "") for line in part.get("examples") or ()]
        members = members[: TEXTS_OF_A_CLUSTER if any(member.text for member in members) else None]
        kind = {"exact": "equal rows", "near": "nearly equal rows"}.get(str(part.get("kind")), "rows")
        where = f" in {part['split']}" if part.get("split") else ""
        more = f" and {size - len(rows):,} more" if rows and size > len(rows) else ""
        found.append(Cluster(f"{size:,} {kind}{where}", members, f"{_places(rows)}{more}"))
    return found[:MOST_CLUSTERS]


def shown(run: Run) -> list[Shown]:
    """Every row that the page shows."""
    return [*suspects(run), *strangers(run), *(member for cluster in clusters(run) for member in cluster.members)]


def without_examples(quality: Part) -> Part:
    """The quality report without any row: neither what it says nor where it stands."""
    kept = dict(quality)
    for part in ("suspects", "strangers"):
        if isinstance(kept.get(part), Mapping):
            kept[part] = {**kept[part], "examples": []}
    kept["tally"] = [{key: value for key, value in line.items() if key != "rows"}
                     for line in quality.get("tally") or ()]
    kept["clusters"] = [{**part, "rows": [], "examples": []} for part in quality.get("clusters") or ()]
    return kept


def _examples(run: Run, part: str) -> Sequence[Part]:
    return ((run.quality.get(part) or {}).get("examples") or ())[:MOST]


def _places(rows: Sequence[str]) -> str:
    """`a.csv:7, 902, 903` of rows of one file, all names in full else."""
    files = {row.rpartition(":")[0] for row in rows}
    lines = [row.rpartition(":")[2] for row in rows]
    if len(files) != 1 or not all(line.isdecimal() for line in lines):
        return ", ".join(rows)
    return f"{files.pop()}:{', '.join(lines)}"


def _shown(line: Part, said: str) -> Shown:
    image, text = str(line.get("image") or ""), str(line.get("text") or "")
    return Shown(said=said, row=str(line.get("row") or ""), image=image if image.startswith(PICTURES) else "",
                 text=text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS].rstrip()}...")


def _sure(confidence: Any) -> str:
    if not finite(confidence):
        return ""
    return " (over 99%)" if confidence > SURE else f" ({confidence:.0%})"
