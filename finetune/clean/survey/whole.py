"""The survey of a data set: every measure of this room in the shape that `data/quality.json` keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.clean.outliers import measured
from finetune.clean.survey import boxes, distributions, pictures

if TYPE_CHECKING:
    import pyarrow as pa


def survey(splits: Mapping[str, pa.Table], roles: Mapping[str, str], *, seed: int = 0) -> dict[str, Any]:
    """`boxes`, `distributions` and, where there are any, `pictures` of the splits as they are trained on and scored.

    `seed` draws the pictures that are looked into; nothing else is drawn.
    """
    several = sum(kind in ("text", "image") for kind in roles.values()) > 1
    sizes = {split: {f"{unit} of {column}" if several else unit: of_rows
                     for column, unit, of_rows in measured(table, roles)} for split, table in splits.items()}
    drawn = {split: pictures.drawn(table, roles, seed=seed) for split, table in splits.items()}
    looked = {split: pictures.look(table, roles) for split, table in drawn.items()}
    light = {split: pictures.brightness(moments) for split, moments in looked.items()}
    found = {
        "boxes": boxes.boxes(sizes, _labels(splits, roles)) + boxes.boxes(light, _labels(drawn, roles)),
        "distributions": distributions.between({split: {**sizes[split], **light[split]} for split in splits},
                                               distributions.shares(splits, roles)),
    }
    return found | ({"pictures": pictures.channels(looked, splits)} if "image" in roles.values() else {})


def _labels(splits: Mapping[str, pa.Table], roles: Mapping[str, str]) -> dict[str, pa.ChunkedArray]:
    column = next((name for name, kind in roles.items() if kind == "label"), None)
    return {split: table[column] for split, table in splits.items()} if column else {}
