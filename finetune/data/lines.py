"""Plain text, one row a line; the label of its rows is told by the name of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finetune.data.decode import BREAK, read_text
from finetune.data.header import require
from finetune.data.records import Records, no_rows

if TYPE_CHECKING:
    from finetune.data.table_file import TableFile, Wanted


def records(file: TableFile, wanted: Wanted) -> Records:
    """The lines that are not blank, as columns `text` and `label`, numbered by line."""
    import pyarrow as pa

    text, notes = read_text(file, wanted.encoding)
    lines = [(number, line) for number, line in enumerate(BREAK.split(text), 1) if line.strip()]
    if not lines:
        raise no_rows("is empty", file)
    require(("text", "label"), file=file, wanted=wanted)

    def column(name: str) -> Any:
        return pa.array([file.label if name == "label" else line for _, line in lines], pa.string())

    return Records([number for number, _ in lines], ("text", "label"), column, notes)
