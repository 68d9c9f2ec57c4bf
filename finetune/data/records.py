"""What the reader of every format gives: numbered records with named columns, or one error for all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetune.errors import DataError, some

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile

LISTS = ("labels", "tokens", "tags")  # kinds of role whose cells are lists, where a format has lists
Problems = dict[str, list[tuple[int | str, str]]]  # what to do -> line (and column) and what was found there


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one file.

    `numbers` is the line on which each starts, or its position. `column` gives the cells of a named column as an Arrow
    array of strings; pictures that the file itself holds are an array of binaries, lists one of lists of strings.
    """

    numbers: Sequence[int]
    header: Sequence[str]
    column: Callable[[str], Any]
    notes: tuple[str, ...] = ()  # what the user must know of how they were read


def refusal(problems: Problems, file: TableFile) -> DataError:
    """One error for all rows that cannot be read, those with the same remedy together."""
    messages = []
    for remedy, found in problems.items():
        place, what = found[0]
        like_it = f" {len(found):,} rows like it ({some(place for place, _ in found)})." if len(found) > 1 else ""
        messages.append(f"{file.name}:{place}: {what}.{like_it} {remedy}")
    return DataError(file.key, f"\n{file.key}: ".join(messages))


def no_rows(what: str, file: TableFile) -> DataError:
    """The error for a file that `is empty` or the like."""
    return DataError(file.key, f"{file.name} {what}, at least one row is needed. Add rows, or name another file.")
