"""A few training rows as the model saw them, epoch by epoch: made from the very examples that it was given."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.clean import personal_data

if TYPE_CHECKING:
    from finetune.contracts import Example
    from finetune.data.examples import Examples

NUM_ROWS = 6
NUM_EPOCHS = 5
THUMBNAIL = 96  # pixels
LONGEST = 300  # characters


def seen(examples: Examples, *, seed: int, epochs: float) -> dict[str, Any]:
    """`kind`, `changes` and `rows`, for `data/augmented.json`; no rows where nothing is changed.

    Of each row: `row`, `label`, what it is (`image` or `text`) and its `versions`, one for each of the first epochs.
    """
    task = examples.task
    kind = "image" if "image" in task.roles.values() else "text"
    changes = list(getattr(task, "augmentations", ()))
    places = sorted({round(place) for place in np.linspace(0, len(examples) - 1, NUM_ROWS if changes else 0)})
    shown = range(min(NUM_EPOCHS, math.ceil(epochs)))
    return {"kind": kind, "changes": changes, "rows": [
        {"row": examples.row(place)["row"], "label": _told(examples.row(place)[task.target]),
         **_shown(examples, examples[place]),
         "versions": [_version(examples, place, seed=seed, epoch=epoch) for epoch in shown]} for place in places]}


def _told(target: Any) -> Any:
    """What a row has, as a figure can show it."""
    return (", ".join(target) or "(none)") if isinstance(target, list) else target


def _version(examples: Examples, place: int, *, seed: int, epoch: int) -> dict[str, Any]:
    example = examples.augmented(place, seed=seed, epoch=epoch)
    found = {"epoch": epoch + 1, **_shown(examples, example)}
    if "share" not in example:
        return found
    return found | {"share": float(example["share"]), "other": examples.task.head.labels[example["other"]],
                    "other_row": examples.row(example["partner"])["row"]}


def _shown(examples: Examples, example: Example) -> dict[str, str]:
    """The model's input as a person can look at it."""
    processor = examples.processor
    if "pixel_values" not in example:
        return {"text": personal_data.mask(processor.decode(example["input_ids"]))[0][:LONGEST]}
    image, opened = processor.picture(example["pixel_values"]), io.BytesIO()
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    image.save(opened, format="PNG")
    return {"image": "data:image/png;base64," + base64.b64encode(opened.getvalue()).decode()}
