"""Tags of words in the schemes that people share, IOB1, IOB2 and BIOES, brought to the one that is learnt: IOB2.

Ramshaw and Marcus (1995) wrote IOB1, in which B- only parts two entities of one type that touch; in IOB2 every entity
begins with B-. BIOES, also called BILOU or BMES, marks ends and single words besides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

OUTSIDE = "O"
TAG = re.compile(r"O|[BIESLUMW]-\S.*")
_SAME = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}  # letters of one meaning

Tags = Sequence[str]


@dataclass(frozen=True, slots=True)
class Mended:
    """Rows of tags in IOB2, the scheme they came in, and how many tags of which row broke its order."""

    rows: list[list[str] | None]
    scheme: str
    broken: dict[int, int]


def words(column: Any, *, file: str, key: str) -> pa.Array:
    """The words of a file's rows as list<string>, missing ones as empty; DataError where they are no lists."""
    import pyarrow as pa

    if not pa.types.is_list(column.type):
        raise DataError(key, f"{file}: the words are text, and lists of words are needed, with as many tags. Write "
                             "them as JSON lines, Parquet, or a CoNLL file with one word a line.")
    rows = [["" if word is None else word for word in row or ()] for row in column.to_pylist()]
    return pa.array(rows, pa.list_(pa.string()))


def read(column: pa.Array, names: Sequence[str], *, lengths: Sequence[int], file: str,
         key: str) -> tuple[pa.Array, tuple[str, ...]]:
    """The tags of a file's rows in IOB2, and notes on what was mended; `lengths` counts the words of each row.

    Raises DataError naming all rows that have another number of tags than words, or a tag of no scheme.
    """
    import pyarrow as pa

    if not pa.types.is_list(column.type):
        raise DataError(key, f"{file}: the tags are text, and lists with one tag for each word are needed. Write them "
                             "as JSON lines, Parquet, or a CoNLL file with one word a line.")
    found = [None if row is None else ["" if tag is None else tag.strip() for tag in row] for row in column.to_pylist()]
    uneven = [f"{name} ({len(row):,} tags, {words:,} words)"
              for row, name, words in zip(found, names, lengths, strict=True) if row is not None and len(row) != words]
    odd: dict[str, str] = {}
    for row, name in zip(found, names, strict=True):
        for tag in row or ():
            if not TAG.fullmatch(tag):
                odd.setdefault(tag, name)
    problems = []
    if uneven:
        problems.append(f"{len(uneven):,} of {len(found):,} rows do not have one tag for each word: {some(uneven)}. "
                        "Correct or remove them.")
    if odd:
        shown = some([f"{tag!r} ({name})" for tag, name in odd.items()])
        problems.append(f"{file} has {len(odd):,} tags that are none of IOB1, IOB2 and BIOES: {shown}. Allowed are O, "
                        "and B-, I-, E- or S- with the type of an entity, as B-PER. Name the column with the tags, or "
                        "correct them.")
    if problems:
        raise DataError(key, f"\n{key}: ".join(problems))
    mended = mend(found)
    return pa.array(mended.rows, pa.list_(pa.string())), _notes(mended, names, file)


def mend(rows: Sequence[Tags | None]) -> Mended:
    """Rows of valid tags in IOB2. A tag that goes on with an entity which is not there begins one."""
    scheme = _scheme(rows)
    broken, found = {}, list[list[str] | None]()
    for place, row in enumerate(rows):
        if row is None:
            found.append(None)
            continue
        tags, wrong = _row(row, scheme)
        found.append(tags)
        if wrong:
            broken[place] = wrong
    return Mended(found, scheme, broken)


def _scheme(rows: Sequence[Tags | None]) -> str:
    """The scheme of a whole file: IOB1 where more entities begin with I- than with B- after something else."""
    begins = {"B": 0, "I": 0}
    for row in rows:
        before = OUTSIDE
        for tag in row or ():
            if tag[0] in "ESLUMW":
                return "BIOES"
            if tag != OUTSIDE and before[2:] != tag[2:]:
                begins[tag[0]] += 1
            before = tag
    return "IOB1" if begins["I"] > begins["B"] else "IOB2"


def _row(row: Tags, scheme: str) -> tuple[list[str], int]:
    """One row in IOB2, and how many of its tags broke the order of its scheme."""
    found, wrong = [], 0
    last, open_type = "O", ""  # the letter before, and the type of an entity that may go on
    for tag in row:
        letter, kind = ("O", "") if tag == OUTSIDE else (_SAME[tag[0]], tag[2:])
        goes_on = letter in "IE" and kind == open_type and bool(kind)
        wrong += _breaks(letter, last, scheme=scheme, goes_on=goes_on, touches=bool(kind) and kind == open_type)
        found.append(OUTSIDE if not kind else f"I-{kind}" if goes_on else f"B-{kind}")
        last, open_type = letter, "" if scheme == "BIOES" and letter in "ES" else kind
    return found, wrong + (scheme == "BIOES" and last in "BI")


def _breaks(letter: str, last: str, *, scheme: str, goes_on: bool, touches: bool) -> bool:
    """Whether a tag may not stand where it does."""
    if scheme == "IOB1":
        return letter == "B" and not touches
    if letter in "IE" and not goes_on:
        return True
    return scheme == "BIOES" and last in "BI" and not goes_on


def _notes(mended: Mended, names: Sequence[str], file: str) -> tuple[str, ...]:
    found = [] if mended.scheme == "IOB2" else [f"{file}: tags are {mended.scheme} and were read as IOB2"]
    if mended.broken:
        number, where = sum(mended.broken.values()), some([names[place] for place in mended.broken])
        found.append(f"{file}: tags that break the order of {mended.scheme} were mended, {number:,} in "
                     f"{len(mended.broken):,} of the rows; one that follows none of its type begins an entity: {where}")
    return tuple(found)
