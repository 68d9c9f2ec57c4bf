"""One file of rows, read as the product reads several."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from finetune.data import listing
from finetune.data.read import read_tables
from finetune.data.table_file import Wanted


def read_table(file: Path, *, columns: Mapping[str, str], roles: Mapping[str, str], key: str,
               images: Path | None = None) -> pa.Table:
    """The rows of one file on disk, without the notes."""
    return read_tables([listing.one(file, key, roles)], Wanted(roles, columns, images))[0]
