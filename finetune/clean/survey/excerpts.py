"""What a page may show of a row: its text, masked and cut, or a small picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.clean import personal_data
from finetune.clean.row_text import columns, written
from finetune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

LETTERS = 300
SIDE = 96  # pixels


def excerpts(table: pa.Table, roles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Of every row of a table, a few at most, `row` and `text` or `image` (a data URI)."""
    return [{"row": row["row"]} | excerpt(row, roles) for row in table.to_pylist()]


def excerpt(row: Mapping[str, Any], roles: Mapping[str, str]) -> dict[str, str]:
    """`image`, a PNG of at most SIDE pixels as a data URI, where the row has a picture; else `text`."""
    from finetune.data.images import thumbnail

    picture = next((row[name] for name, kind in roles.items() if kind == "image"), None)
    if picture is not None:
        try:
            return {"image": thumbnail(picture, SIDE)}
        except DataError as error:  # the file is gone or damaged since it was read
            return {"text": str(error)}
    texts = [str(written(row[name])) for name in columns(roles) if row[name] is not None]
    masked = personal_data.mask(" / ".join(texts))[0]  # before the cut, which could part what is to be masked
    return {"text": masked if len(masked) <= LETTERS else f"{masked[:LETTERS].rstrip()}..."}
