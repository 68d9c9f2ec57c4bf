"""Lists of labels, as people and programs write them: one cell with any number of names, or a column for each name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.data.table_file import Wanted

MARKS = (";", "|", ",")
YES_FROM = 0.5  # of a column of shares, such as those of annotators: from a half on a row has the label

_RULE = ('Allowed are names with one mark between them, the same in all cells (; or | or ,), or JSON lists as '
         '["a", "b"]; an empty cell or [] is a row without any label')


def parse(cells: Any, rows: Sequence[str], *, column: str, key: str) -> pa.Array[Any]:
    """The cells, texts or lists of texts, as list<string> of distinct names; null stays null, blank is the empty list.

    In texts one mark parts the names of all cells. Raises DataError for cells that are no list, and for marks that
    differ between cells.
    """
    import pyarrow as pa

    values, texts = cells.to_pylist(), pa.types.is_string(cells.type)
    found = _from_texts(values, rows, column=column, key=key) if texts else values
    trimmed = ([name.strip() for name in names or () if name] for names in found)
    return pa.array([None if names is None else list(dict.fromkeys(filter(None, of_row)))
                     for names, of_row in zip(found, trimmed, strict=True)], pa.list_(pa.string()))


def _from_texts(
    cells: Sequence[str | None], rows: Sequence[str], *, column: str, key: str
) -> list[list[str] | None]:
    lists: dict[str, list[str] | None] = {cell: _json(cell) for cell in dict.fromkeys(filter(None, cells))
                                          if cell.lstrip().startswith("[")}
    bad = {cell for cell, names in lists.items() if names is None}
    if bad:
        raise _refusal("are not lists", bad, cells, rows=rows, column=column, key=key)
    plain = {cell: {mark for mark in MARKS if mark in cell} for cell in dict.fromkeys(filter(None, cells))
             if cell not in lists}
    counts = {mark: sum(mark in plain.get(cell or "", ()) for cell in cells) for mark in MARKS}
    usual = max(MARKS, key=lambda mark: counts[mark])
    others = {cell for cell, marks in plain.items() if marks - {usual}}
    if others:
        raise _refusal(f"hold another mark than {usual!r}, which parts the names in {counts[usual]:,}", others, cells,
                       rows=rows, column=column, key=key)
    return [None if cell is None else lists[cell] if cell in lists else cell.split(usual) for cell in cells]


def _json(cell: str) -> list[str] | None:
    """The names of a JSON list; None where it is none, or holds something else than names and numbers."""
    try:
        names = json.loads(cell, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def per_column(wanted: Wanted) -> dict[str, list[str]]:
    """The roles whose labels have a column each, and these columns: the user names several, with commas between."""
    named = {role: [name.strip() for name in wanted.names[role].split(",")]
             for role, kind in wanted.roles.items() if kind == "labels"}
    return {role: names for role, names in named.items() if len(names) > 1}


def spread(wanted: Wanted) -> Wanted:
    """What is wanted of a file, with a role of its own for each column of a label, as `label.toxic`."""
    several = per_column(wanted)
    if not several:
        return wanted
    columns = {f"{role}.{name}": name for role, names in several.items() for name in names}
    roles = {role: kind for role, kind in wanted.roles.items() if role not in several}
    return replace(wanted, roles=roles | dict.fromkeys(columns, "flag"), columns={**wanted.columns, **columns})


def gather(columns: Mapping[str, Sequence[str | None]], rows: Sequence[str], *, key: str) -> pa.Array[Any]:
    """list<string> with the names of the columns that say yes: true, or a number from 0.5 to 1; no is false or less.

    DataError for all other cells, blank ones too.
    """
    import pyarrow as pa

    found: list[list[str]] = [[] for _ in rows]
    for name, cells in columns.items():
        share = {cell: _share(cell) for cell in dict.fromkeys(cells)}
        bad = {cell for cell, value in share.items() if value is None}
        if bad:
            named = _named(bad, cells, rows)
            raise DataError(key, f"column {name!r}: {len(named):,} of {len(cells):,} cells do not say whether the row "
                                 f"has this label: {some(named)}. Allowed are 0 and 1, shares between them, true and "
                                 "false. Correct them, or leave the column out.")
        for names, cell in zip(found, cells, strict=True):
            if (share[cell] or 0.0) >= YES_FROM:
                names.append(name)
    return pa.array(found, pa.list_(pa.string()))


def _share(cell: str | None) -> float | None:
    text = (cell or "").strip().lower()
    try:
        value = {"true": 1.0, "false": 0.0}.get(text) if text in ("true", "false") else float(text)
    except ValueError:
        return None
    return value if value is not None and 0 <= value <= 1 else None


def _refusal(what: str, bad: set[str], cells: Sequence[str | None], *, rows: Sequence[str], column: str,
             key: str) -> DataError:
    named = _named(bad, cells, rows)
    return DataError(key, f"column {column!r}: {len(named):,} of {len(cells):,} cells {what}: {some(named)}. {_RULE}. "
                          "Correct them, or name another column.")


def _named(bad: set[Any], cells: Sequence[str | None], rows: Sequence[str]) -> list[str]:
    return [f"{row} {(cell or '')[:40]!r}" for row, cell in zip(rows, cells, strict=True) if cell in bad]
