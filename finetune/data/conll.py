"""CoNLL files: one word a line with its columns, a blank line after every sentence."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from finetune.data.decode import BREAK, read_text
from finetune.data.records import Records, no_rows, refusal
from finetune.data.tags import TAG
from finetune.errors import SpecError

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile, Wanted

_DOCUMENT = "-DOCSTART-"
_BLANKS = re.compile("[ \t]+")
_WHOLE = "Write each word on a line of its own with all its columns, and a blank line after each sentence."

Line = tuple[int, list[str]]


def records(file: TableFile, wanted: Wanted) -> Records:
    """The sentences, numbered by their first line; words are the first column and tags the last one.

    `data.columns` may give other positions, from 0. Columns are parted by tabs, or by blanks where no line has a tab.
    Marks of documents and comments (`# id ...`) are passed over. Raises DataError for lines without all columns.
    """
    import pyarrow as pa

    text, notes = read_text(file, wanted.encoding)
    numbered = [(number, line) for number, line in enumerate(BREAK.split(text), 1)]
    by_tab = any("\t" in line.strip() for _, line in numbered)
    sentences, passed_over = _sentences(numbered, by_tab=by_tab)
    lines = [line for sentence in sentences for line in sentence]
    if not lines:
        raise no_rows("has no words", file)
    width = Counter(len(cells) for _, cells in lines).most_common(1)[0][0]
    places = _places(wanted, width, file)
    _refuse_uneven(lines, width, file=file, place=places.get(wanted.names.get("label", ""), -1))

    def column(name: str) -> Any:
        return pa.array([[cells[places[name]] for _, cells in sentence] for sentence in sentences],
                        pa.list_(pa.string()))

    said = (f"{file.name}: {passed_over:,} marks of documents and comments are passed over",) if passed_over else ()
    return Records([sentence[0][0] for sentence in sentences], list(places), column, (*notes, *said))


def _sentences(numbered: list[tuple[int, str]], *, by_tab: bool) -> tuple[list[list[Line]], int]:
    """The lines of every sentence as cells, and how many lines are no words."""
    found: list[list[Line]] = [[]]
    passed_over = 0
    for number, line in numbered:
        if not line.strip():
            found.append([])
            continue
        cells = line.split("\t") if by_tab else _BLANKS.split(line.strip(" \t"))
        if line.startswith(_DOCUMENT) or (line.startswith("#") and not TAG.fullmatch(cells[-1].strip())):
            passed_over += 1
        else:
            found[-1].append((number, cells))
    return [sentence for sentence in found if sentence], passed_over


def _places(wanted: Wanted, width: int, file: TableFile) -> dict[str, int]:
    """The wanted columns by their names and their places; SpecError for what is no place."""
    usual = {"tokens": 0, "label": width - 1}
    found, problems = {}, []
    for role, name in wanted.names.items():
        place = usual.get(role) if name == role else int(name) if name.isdecimal() else None
        if place is None or place >= max(width, 2):
            problems.append(f"data.columns.{role}: {name!r} is not a column of {file.name}, which has no names and "
                            f"{width} columns. Allowed are 0 to {width - 1}; words are the first column and tags the "
                            "last one where nothing is given.")
        else:
            found[name] = place
    if problems:
        raise SpecError(problems)
    return found


def _refuse_uneven(lines: list[Line], width: int, *, file: TableFile, place: int) -> None:
    """DataError for lines with a column too few or too many, or with an empty tag."""
    if width < 2:
        number, cells = lines[0]
        raise refusal({_WHOLE: [(number, f"only one column found ({cells[0][:40]!r}), words and tags need two")]}, file)
    wrong: list[tuple[int | str, str]] = [
        (number, f"{len(cells)} columns found ({' '.join(cells)[:60]!r}), {width} in most lines")
        for number, cells in lines if len(cells) != width]
    wrong += [(number, f"the word {cells[0]!r} has no tag") for number, cells in lines
              if len(cells) == width and place >= 0 and not cells[place].strip()]
    if wrong:
        raise refusal({_WHOLE: wrong}, file)
