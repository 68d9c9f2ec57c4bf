"""Stacking and padding of examples into numpy arrays: the same code in training, the export gate and predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from finetune.contracts import Batch

if TYPE_CHECKING:
    from finetune.contracts import Array, Example, Row
    from finetune.data.text import TextProcessor


def pad(sequences: Sequence[Any], value: int) -> Array:
    """Sequences of token ids as one array (rows, longest), filled on the right with `value`."""
    import numpy as np

    padded = np.full((len(sequences), max(map(len, sequences))), value, dtype=np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded


def stack(values: Sequence[Any]) -> Array:
    """Values of equal shape as one array with a leading row axis."""
    import numpy as np

    return np.stack([np.asarray(value) for value in values])


def with_targets(examples: Sequence[Example], rows: Sequence[Row], target_of: Callable[[Any], Any]) -> list[Example]:
    """The examples of these rows, with a `target` made of the `label` of each row that has one."""
    return [{**example, "target": target_of(row["label"])} if row.get("label") is not None else example
            for example, row in zip(examples, rows, strict=True)]


def of_texts(examples: Sequence[Example], processor: TextProcessor) -> Batch:
    """Token ids padded to the longest text of the batch, and the targets where every example has one."""
    return Batch(processor.padded(examples), _targets(examples, ("target",)), len(examples))


def of_pictures(examples: Sequence[Example], *, targets: Sequence[str] = ("target",)) -> Batch:
    """Pixels stacked to (rows, 3, size, size), and the named targets where every example has a `target`."""
    return Batch({"pixel_values": stack([example["pixel_values"] for example in examples])},
                 _targets(examples, targets), len(examples))


def _targets(examples: Sequence[Example], names: Sequence[str]) -> dict[str, Array]:
    if not all("target" in example for example in examples):
        return {}
    return {name: stack([example[name] for example in examples]) for name in names}


def objects(values: Sequence[Any]) -> Array:
    """One entry per row, of any length: lists, texts."""
    import numpy as np

    found = np.empty(len(values), object)
    found[:] = values
    return found
