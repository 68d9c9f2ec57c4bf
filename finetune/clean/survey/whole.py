"""The survey of a data set: every measure of this room in the shape that `data/quality.json` keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.clean.label_text import label_column
from finetune.clean.outliers import measured
from finetune.clean.survey import boxes, distributions, pictures

if TYPE_CHECKING:
    import pyarrow as pa

SHORT = {"pixels on its shorter side": "shorter side", "times its shorter side": "aspect"}  # in pixels; long to short


def survey(splits: Mapping[str, pa.Table], roles: Mapping[str, str], *, seed: int = 0) -> dict[str, Any]:
    """`boxes`, `distributions` and, where there are any, `pictures` of the splits as they are trained on and scored.

    Of very many pictures some are looked into, which `seed` draws; texts and labels count in full.
    """
    drawn = {split: pictures.drawn(table, roles, seed=seed) for split, table in splits.items()}
    looked = {split: pictures.look(table, roles) for split, table in drawn.items()}
    numbers = {split: {_name(column, unit, roles): sizes for column, unit, sizes in measured(table, roles)}
               | pictures.brightness(looked[split]) for split, table in drawn.items()}
    found = {"boxes": boxes.boxes(numbers, _labels(drawn, roles)),
             "distributions": distributions.between(numbers, distributions.shares(splits, roles))}
    return found | ({"pictures": pictures.channels(looked, splits)} if "image" in roles.values() else {})


def _name(column: str, unit: str, roles: Mapping[str, str]) -> str:
    """A column of numbers goes by its name, any other by what is measured, and of which where there are several."""
    if roles[column] == "number":
        return column
    several = sum(kind in ("text", "image") for kind in roles.values()) > 1
    return f"{SHORT.get(unit, unit)} of {column}" if several else SHORT.get(unit, unit)


def _labels(splits: Mapping[str, pa.Table], roles: Mapping[str, str]) -> dict[str, pa.ChunkedArray]:
    column = label_column(roles)
    return {split: table[column] for split, table in splits.items()} if column else {}
