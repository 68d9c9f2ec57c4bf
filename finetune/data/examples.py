"""Encoded examples by position: encoded once, kept while a memory budget lasts, augmented by (seed, epoch, row)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.contracts import Draw

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Example, Row, Task

BUDGET_MIB = 1024


class Examples:
    """The rows of one split as examples; `[i]` is row i, encoded for the task."""

    def __init__(self, table: pa.Table, task: Task, processor: Any) -> None:
        self.task, self.processor = task, processor
        self._columns = {name: table[name].to_pylist() for name in table.column_names}
        self._num_rows: int = table.num_rows
        self._kept: dict[int, Example] = {}
        self._free = BUDGET_MIB * 2**20

    def __len__(self) -> int:
        return self._num_rows

    def __getitem__(self, position: int) -> Example:
        kept = self._kept.get(position)
        if kept is not None:
            return kept
        example = self.task.encode([self.row(position)], self.processor)[0]
        self._keep(position, example)
        return example

    def row(self, position: int) -> Row:
        """The raw row."""
        return {name: column[position] for name, column in self._columns.items()}

    def rows(self) -> list[Row]:
        """All raw rows."""
        return [self.row(position) for position in range(len(self))]

    def targets(self) -> Array:
        """The target of every row of single labels, read from the labels; encodes nothing. Every row must have one."""
        target = {label: position for position, label in enumerate(self.task.head.labels)}
        return np.asarray([target[label] for label in self._columns[self.task.target]], dtype=np.int64)

    def augmented(self, position: int, *, seed: int, epoch: int, visit: int = 0) -> Example:
        """Row `position` changed at random, the same way whenever seed, epoch, position and visit are the same."""
        return self.task.augment(self, Draw(seed, epoch, position, visit))

    def lengths(self) -> Array:
        """What each example costs; encodes every row of a text task, none of an image task."""
        if "image" in self.task.roles.values():
            return np.ones(len(self), dtype=np.int64)
        lengths: list[int] = []
        for start in range(0, len(self), 1024):
            positions = range(start, min(start + 1024, len(self)))
            encoded = self.task.encode([self.row(position) for position in positions], self.processor)
            for position, example in zip(positions, encoded, strict=True):
                self._keep(position, example)
                lengths.append(self.task.length(example))
        return np.asarray(lengths, dtype=np.int64)

    def _keep(self, position: int, example: Example) -> None:
        size = sum(value.nbytes if isinstance(value, np.ndarray) else 8 * len(value) if isinstance(value, list) else 0
                   for value in example.values())
        if position not in self._kept and size <= self._free:
            self._kept[position] = example
            self._free -= size
