"""Rows of a Hugging Face Hub data set, through `datasets`; no loading scripts, the resolved commit is recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.contracts import SplitRows
from finetune.data import label_lists, numbers, squad, tags
from finetune.errors import DataError, nearest, some
from finetune.machine import hub_reachable

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.spec import Hub

ANSWER_SECONDS = 10  # for the first answer about a data set; without a limit a silent proxy would hold a run for ever


def read(hub: Hub, roles: Mapping[str, str]) -> SplitRows:
    """The splits that the recipe names, with our column names."""
    if not hub_reachable():
        raise DataError("data.source: hub", f"the Hub cannot be reached for {hub.name} (3 s, no connection). "
                                            "Go online, give your own rows (data.files.train=FILE), or use "
                                            "data.source=sample.")
    import datasets
    from huggingface_hub import dataset_info
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    try:
        info = dataset_info(hub.name, revision=hub.revision, timeout=ANSWER_SECONDS)
        found = {ours: datasets.load_dataset(hub.name, hub.subset, split=theirs, revision=info.sha)
                 for ours, theirs in hub.splits.items()}
    except RepositoryNotFoundError as error:  # a mere "401" to strangers, as for a private one
        raise DataError(f"data.hub.name: {hub.name}", "there is no such data set on the Hub, or it is private. Check "
                                                      "the name, or log in with a token that may read it.") from error
    except (HfHubHTTPError, OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        raise DataError(f"data.hub.name: {hub.name}", f"cannot be read: {reason}. Check the name, data.hub.subset "
                                                      "and your access.") from error
    read = {split: _table(dataset, f"{hub.name}/{split}", hub=hub, roles=roles) for split, dataset in found.items()}
    license = info.card_data.get("license") if info.card_data else None
    return SplitRows({split: table for split, (table, _) in read.items()}, source="hub", name=hub.name,
                     revision=info.sha, license=license[0] if isinstance(license, list) else license,
                     notes=[note for _, notes in read.values() for note in notes])


def _table(dataset: Any, place: str, *, hub: Hub, roles: Mapping[str, str]) -> tuple[pa.Table, tuple[str, ...]]:
    """`row` (`place:number`, from 0), `hash` and one column per role: strings, numbers, and pictures as bytes.

    Blank labels are null and missing texts empty, as in the user's files; besides, notes on tags that were mended.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {"row": pa.array([f"{place}:{i}" for i in range(len(dataset))], pa.string())}
    notes: tuple[str, ...] = ()
    for role, kind in roles.items():
        name = hub.columns.get(role, role)
        for needed in map(str.strip, name.split(",")) if kind == "labels" else [name]:
            if needed not in dataset.column_names:
                known = f"Columns: {', '.join(dataset.column_names)}.{nearest(needed, dataset.column_names)}"
                raise DataError(f"data.hub.columns.{role}", f"{hub.name} has no column {needed!r}. {known}")
        if kind in ("tokens", "tags", "answers"):
            columns[role], said = _nested(dataset, name, kind, place=place, columns=columns)
            notes += said
            continue
        if kind == "labels":
            columns[role] = _label_lists(dataset, name, columns["row"].to_pylist())
            continue
        if kind == "number":
            rows = columns["row"].to_pylist()
            columns[role] = numbers.parse(_words(dataset, name, kind), rows, column=name, key="data.source: hub")
            continue
        cells = _pictures(dataset, name, place) if kind == "image" else _words(dataset, name, kind)
        columns[role] = pa.array(cells, pa.binary() if kind == "image" else pa.string())
    contents = [columns[role].to_pylist() for role, kind in roles.items() if kind in ("text", "tokens", "image")]
    coded = (cells[0] if isinstance(cells[0], bytes) else
             "\x1f".join(cell if isinstance(cell, str) else " ".join(cell) for cell in cells).encode()
             for cells in zip(*contents, strict=True))
    columns["hash"] = [hashlib.sha256(cell).hexdigest() for cell in coded]
    return pa.table(columns), notes


def _nested(dataset: Any, name: str, kind: str, *, place: str,
            columns: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """Words, their tags (by name where they are classes, in IOB2) or answers, as of the user's files; and notes."""
    import datasets
    import pyarrow as pa

    rows, key, cells = columns["row"].to_pylist(), "data.source: hub", list(dataset[name])
    if kind == "answers":
        return squad.parse(cells, rows, column=name, key=key), ()
    inner = getattr(dataset.features[name], "feature", None)
    if isinstance(inner, datasets.ClassLabel):
        cells = [None if cell is None else [inner.int2str(tag) for tag in cell] for cell in cells]
    listed = pa.array(cells, None if inner is None else pa.list_(pa.string()))
    if kind == "tokens":
        return tags.words(listed, file=place, key=key), ()
    return tags.read(listed, rows, lengths=[len(row) for row in columns["tokens"].to_pylist()], file=place, key=key)


def _label_lists(dataset: Any, name: str, rows: list[str]) -> Any:
    """Lists of names or of classes; of several columns those that say yes."""
    import datasets
    import pyarrow as pa

    if "," in name:
        labels = [label.strip() for label in name.split(",")]
        return label_lists.gather({label: _words(dataset, label, "flag") for label in labels}, rows,
                                  key="data.source: hub")
    inner, lists = getattr(dataset.features[name], "feature", None), list(dataset[name])
    if inner is None:
        lists = _words(dataset, name, "label")
        return label_lists.parse(pa.array(lists, pa.string()), rows, column=name, key="data.source: hub")
    spell = inner.int2str if isinstance(inner, datasets.ClassLabel) else str
    spelt = [None if cell is None else [spell(item) for item in cell] for cell in lists]
    return label_lists.parse(pa.array(spelt, pa.list_(pa.string())), rows, column=name, key="data.source: hub")


def _words(dataset: Any, name: str, kind: str) -> list[str | None]:
    import datasets

    values, feature = dataset[name], dataset.features[name]
    if kind == "text":
        return ["" if value is None else str(value) for value in values]
    if isinstance(feature, datasets.ClassLabel):
        return [None if value is None or value < 0 else feature.int2str(value) for value in values]
    return [None if value is None else str(value).strip() or None for value in values]


def _pictures(dataset: Any, name: str, place: str) -> list[bytes]:
    import datasets

    cells = list(dataset.cast_column(name, datasets.Image(decode=False))[name])
    missing = [f"{place}:{i}" for i, cell in enumerate(cells) if cell is None]
    if missing:
        raise DataError("data.source: hub", f"{len(missing):,} of {len(cells):,} rows have no picture: {some(missing)}."
                                            " Use another revision (data.hub.revision=COMMIT), or your own files.")
    return [cell["bytes"] or Path(cell["path"]).read_bytes() for cell in cells]
