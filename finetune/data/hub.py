"""Rows of a Hugging Face Hub data set, through `datasets`; no loading scripts, the resolved commit is recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.contracts import SplitRows
from finetune.errors import DataError, nearest
from finetune.machine import hub_reachable

if TYPE_CHECKING:
    from finetune.spec import Hub


def read(hub: Hub, roles: Mapping[str, str]) -> SplitRows:
    """The splits that the recipe names, with our column names."""
    import datasets
    from huggingface_hub import dataset_info
    from huggingface_hub.errors import HfHubHTTPError

    if not hub_reachable():
        raise DataError("data.source: hub", f"the Hub cannot be reached for {hub.name} (3 s, no connection). Go online, "
                                            "give your own rows (data.files.train=FILE), or use data.source=sample.")
    try:
        info = dataset_info(hub.name, revision=hub.revision)
        found = {ours: datasets.load_dataset(hub.name, hub.subset, split=theirs, revision=info.sha)
                 for ours, theirs in hub.splits.items()}
    except (HfHubHTTPError, OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise DataError(f"data.hub.name: {hub.name}", f"cannot be read: {str(error).splitlines()[0]} Check the name, "
                                                      "data.hub.subset and your access.") from error
    splits = {split: _table(dataset, split, hub, roles) for split, dataset in found.items()}
    license = (info.card_data or {}).get("license")
    return SplitRows(splits, source="hub", name=hub.name, revision=info.sha,
                license=license[0] if isinstance(license, list) else license)


def _table(dataset: Any, split: str, hub: Hub, roles: Mapping[str, str]) -> Any:
    import pyarrow as pa

    columns: dict[str, list[Any]] = {"row": [f"{hub.name}/{split}:{i}" for i in range(len(dataset))]}
    for role, kind in roles.items():
        name = hub.columns.get(role, role)
        if name not in dataset.column_names:
            raise DataError(f"data.hub.columns.{role}", f"{hub.name} has no column {name!r}. Columns: "
                                                        f"{', '.join(dataset.column_names)}.{nearest(name, dataset.column_names)}")
        columns[role] = _cells(dataset, name, kind)
    content = next(columns[role] for role, kind in roles.items() if kind != "label")
    columns["hash"] = [hashlib.sha256(cell if isinstance(cell, bytes) else cell.encode()).hexdigest() for cell in content]
    return pa.table(columns)


def _cells(dataset: Any, name: str, kind: str) -> list[Any]:
    import datasets

    if kind == "image":
        undecoded = dataset.cast_column(name, datasets.Image(decode=False))
        return [cell["bytes"] for cell in undecoded[name]]
    feature = dataset.features[name]
    if kind == "label" and isinstance(feature, datasets.ClassLabel):
        return [None if value is None or value < 0 else feature.int2str(value) for value in dataset[name]]
    return [None if value is None else str(value) for value in dataset[name]]
