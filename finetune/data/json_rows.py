"""JSON and JSON lines: one object a row; cells are text, numbers in the spelling of the file, true, false or null."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

from finetune.data import squad
from finetune.data.decode import MAX_CELL, read
from finetune.data.header import require
from finetune.data.records import LISTS, Problems, Records, no_rows, refusal

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile, Wanted
    from finetune.data.written import Text

_SYNTAX = "Correct the JSON there."
_ROWS = 'Write every row as an object, such as {"text": "...", "label": "..."}.'
_CELLS = "Write every cell as text, a number, true, false or null."
_LISTS = 'Write every list as an array of texts, such as ["a", "b"], an empty one as [].'
_SURROGATE = re.compile("[\ud800-\udfff]")
# Numbers keep the spelling of the file; NaN is how other tools write a missing number.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=lambda _: None)


def records(file: TableFile, wanted: Wanted) -> Records:
    """The objects of an array, of its `data`, or of one a line; numbered by position, or by line.

    Raises DataError for broken JSON, rows that are no objects, and cells that are no text or number.
    """
    text, notes = read(file, wanted.encoding)
    if not text.head(2**16).strip() and not text.whole().strip():
        raise no_rows("is empty", file)
    rows = _rows(text, file)
    if "answers" in wanted.roles.values() and squad.is_nested([row for _, row in rows]):
        rows = list(enumerate(squad.flat([row for _, row in rows], file), 1))
    wrong = Problems()
    for number, row in rows:
        if not isinstance(row, dict):
            wrong.setdefault(_ROWS, []).append((number, f"{_kind(row)} found, an object expected"))
    if wrong:
        raise refusal(wrong, file)
    if not rows:
        raise no_rows("has no rows", file)
    header = list(dict.fromkeys(itertools.chain.from_iterable(row for _, row in rows)))
    require(header, file=file, wanted=wanted)
    listed = [name for kind, name in zip(wanted.roles.values(), wanted.names.values(), strict=True)
              if kind in LISTS and not (kind == "labels" and _are_texts(rows, name))]
    answers = [wanted.names[role] for role, kind in wanted.roles.items() if kind == "answers"]

    def column(name: str) -> Any:
        if name in answers:
            places = [f"{file.name}:{number}" for number, _ in rows]
            return squad.parse([row.get(name) for _, row in rows], places, column=name, key=file.key)
        return _lists(rows, name, file=file) if name in listed else _column(rows, name, file=file)

    return Records([number for number, _ in rows], header, column, notes)


def _rows(text: Text, file: TableFile) -> list[tuple[int, Any]]:
    """Position and value of every row; JSON lines are told from a document by a first value that is one line long."""
    if file.suffix != ".json" and not text.head(2**16).lstrip().startswith("["):
        return _lines(text, file)
    whole = text.whole()
    try:
        document = _DECODER.decode(whole)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and "\n" not in whole[:error.pos].strip():
            return _lines(text, file)
        place = f"{error.lineno}:{error.colno}"
        raise refusal({_SYNTAX: [(place, f"broken JSON ({error.msg})")]}, file) from None
    except RecursionError:
        raise refusal({_ROWS: [(1, "JSON nested too deeply, an array of objects expected")]}, file) from None
    if isinstance(document, dict):
        document = document.get("data", [document])
    if not isinstance(document, list):
        what = f"{_kind(document)} found, an array of objects expected"
        raise refusal({_ROWS: [(1, what)]}, file)
    return list(enumerate(document, 1))


def _lines(text: Text, file: TableFile) -> list[tuple[int, Any]]:
    rows: list[tuple[int, Any]] = []
    broken: list[tuple[int | str, str]] = []
    for number, line in enumerate(text.lines(), 1):
        if not line.strip():
            continue
        try:
            rows.append((number, _DECODER.decode(line.rstrip())))
        except json.JSONDecodeError as error:
            broken.append((f"{number}:{error.colno}", f"broken JSON ({error.msg})"))
        except RecursionError:
            broken.append((f"{number}:1", "JSON nested too deeply"))
    if broken:
        raise refusal({_SYNTAX: broken}, file)
    return rows


def _column(rows: list[tuple[int, Any]], name: str, *, file: TableFile) -> Any:
    import pyarrow as pa

    spelled = {True: "true", False: "false", None: None}
    cells: list[str | None] = []
    wrong: list[tuple[int | str, str]] = []
    for number, row in rows:
        cell = row.get(name)
        if isinstance(cell, str):
            if _SURROGATE.search(cell):
                wrong.append((number, f"column {name!r} holds half a surrogate pair, which is no character"))
            if len(cell) > MAX_CELL:
                wrong.append((number, f"column {name!r} holds more than the {MAX_CELL:,} characters allowed"))
        elif isinstance(cell, list | dict):
            wrong.append((number, f"column {name!r} holds {_kind(cell)}, text or a number expected"))
        else:
            cell = spelled[cell]
        cells.append(cell)
    if wrong:
        raise refusal({_CELLS: wrong}, file)
    return pa.array(cells, pa.string())


def _are_texts(rows: list[tuple[int, Any]], name: str) -> bool:
    """Whether no row has an array there: names with a mark between them, as CSV has them."""
    return all(isinstance(row.get(name), str | None) for _, row in rows)


def _lists(rows: list[tuple[int, Any]], name: str, *, file: TableFile) -> Any:
    """Arrays of texts or numbers as list<string>; null is null."""
    import pyarrow as pa

    wrong: list[tuple[int | str, str]] = []
    for number, row in rows:
        cell = row.get(name)
        if not isinstance(cell, list | None):
            wrong.append((number, f"column {name!r} holds {_kind(cell)}, an array of texts expected"))
        elif not all(isinstance(item, str) and not _SURROGATE.search(item) for item in cell or ()):
            wrong.append((number, f"column {name!r} holds an array with something else than texts and numbers in it"))
    if wrong:
        raise refusal({_LISTS: wrong}, file)
    return pa.array([row.get(name) for _, row in rows], pa.list_(pa.string()))


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else "a single value"
