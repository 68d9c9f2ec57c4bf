"""Whether the probabilities of a split can be believed, before its task's temperature and with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.metrics.calibration import expected_calibration_error, tempered

if TYPE_CHECKING:
    from finetune.contracts import Array, Task


def errors(task: Task, splits: Mapping[str, Mapping[str, Array]]) -> dict[str, Any] | None:
    """The temperature, and the calibration error of every split by its name; None of a task that has no temperature."""
    temperature: float | None = getattr(task, "temperature", None)
    if temperature is None:
        return None
    return {"temperature": temperature, "splits": {name: _error(columns, temperature)
                                                   for name, columns in splits.items()}}


def _error(columns: Mapping[str, Array], temperature: float) -> dict[str, float]:
    probabilities, targets = columns["probabilities"], columns["target"]
    return {"before": expected_calibration_error(tempered(probabilities, 1 / temperature), targets),
            "after": expected_calibration_error(probabilities, targets)}
