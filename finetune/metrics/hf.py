"""The classification scores as `evaluate.Metric` classes, for code of the Hugging Face ecosystem that expects them.

Names, options and results are those of the metrics on the Hub, but nothing is fetched and nothing stays on disk.
Import this file only where it is needed: `evaluate` loads torch and transformers.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import evaluate
import numpy as np
from datasets import Features, Value

from finetune.errors import FinetuneError, nearest, some
from finetune.metrics import classification

if TYPE_CHECKING:
    from finetune.contracts import Array

AVERAGES = ("binary", "macro", "micro", "weighted")

_OPTIONS = """
        average: binary scores the class `pos_label`; macro, micro and weighted are means over the classes
            that occur; None gives one score per class that occurs, ordered by target.
        pos_label: the target that binary scores.
"""


def _in_memory(self: Any, **options: Any) -> None:
    # evaluate makes its cache folder even for rows that it keeps in memory.
    with tempfile.TemporaryDirectory() as cache_dir:
        evaluate.Metric.__init__(self, keep_in_memory=True, cache_dir=cache_dir, **options)


def _info(description: str, options: str = "") -> evaluate.MetricInfo:
    features = Features({"predictions": Value("int64"), "references": Value("int64")})
    return evaluate.MetricInfo(
        description=description, citation="", features=features, inputs_description=options, format="numpy"
    )


class Accuracy(evaluate.Metric):  # type: ignore[misc]  # evaluate is not seen by the type checker
    """Share of the rows whose prediction equals the reference."""

    __init__ = _in_memory

    def _info(self) -> evaluate.MetricInfo:
        return _info("Share of the rows whose prediction equals the reference.")

    def _compute(self, *, predictions: Array, references: Array) -> dict[str, float]:
        counts_CC = _present(predictions, references)[1]
        return {"accuracy": float(classification.scalars(counts_CC)["accuracy"])}


class Precision(evaluate.Metric):  # type: ignore[misc]  # evaluate is not seen by the type checker
    """Share of the predictions of a class that are right."""

    __init__ = _in_memory

    def _info(self) -> evaluate.MetricInfo:
        return _info("Share of the predictions of a class that are right.", _OPTIONS)

    def _compute(
        self, *, predictions: Array, references: Array, average: str | None = "binary", pos_label: int = 1
    ) -> dict[str, Any]:
        return {"precision": _averaged("precision", predictions, references, average=average, pos_label=pos_label)}


class Recall(evaluate.Metric):  # type: ignore[misc]  # evaluate is not seen by the type checker
    """Share of the rows of a class that are found."""

    __init__ = _in_memory

    def _info(self) -> evaluate.MetricInfo:
        return _info("Share of the rows of a class that are found.", _OPTIONS)

    def _compute(
        self, *, predictions: Array, references: Array, average: str | None = "binary", pos_label: int = 1
    ) -> dict[str, Any]:
        return {"recall": _averaged("recall", predictions, references, average=average, pos_label=pos_label)}


class F1(evaluate.Metric):  # type: ignore[misc]  # evaluate is not seen by the type checker
    """Harmonic mean of precision and recall."""

    __init__ = _in_memory

    def _info(self) -> evaluate.MetricInfo:
        return _info("Harmonic mean of precision and recall.", _OPTIONS)

    def _compute(
        self, *, predictions: Array, references: Array, average: str | None = "binary", pos_label: int = 1
    ) -> dict[str, Any]:
        return {"f1": _averaged("f1", predictions, references, average=average, pos_label=pos_label)}


class Confusion(evaluate.Metric):  # type: ignore[misc]  # evaluate is not seen by the type checker
    """Row counts by reference (first axis) and prediction (second axis), over the targets that occur, in order."""

    __init__ = _in_memory

    def _info(self) -> evaluate.MetricInfo:
        return _info("Row counts by reference and prediction, over the targets that occur.")

    def _compute(self, *, predictions: Array, references: Array) -> dict[str, Array]:
        return {"confusion_matrix": _present(predictions, references)[1]}


def _present(predictions: Array, references: Array) -> tuple[list[int], Array]:
    # Targets are numbered anew, so that any whole numbers (-1 and 1, say) make a small matrix.
    both = np.concatenate([references, predictions]).astype(np.int64)
    targets, positions = np.unique(both, return_inverse=True)
    counts_CC = classification.confusion(positions[: len(references)], positions[len(references) :], len(targets))
    return targets.tolist(), counts_CC


def _averaged(
    name: str, predictions: Array, references: Array, *, average: str | None, pos_label: int
) -> float | Array:
    targets, counts_CC = _present(predictions, references)
    if average in ("macro", "weighted"):
        return float(classification.scalars(counts_CC)[f"{name}_{average}"])
    if average == "micro":  # over all classes, what one class loses another gains: all three scores are the accuracy
        return float(classification.scalars(counts_CC)["accuracy"])
    classes = classification.per_class(counts_CC)[name]
    if average is None:
        return classes
    if average != "binary":
        hint = nearest(str(average), AVERAGES)
        raise FinetuneError("average", f"{average!r} found, allowed are {', '.join(AVERAGES)} and None.{hint}")
    if len(targets) > 2 or (len(targets) == 2 and pos_label not in targets):
        what = f"'binary' found with pos_label={pos_label} and the targets {some(targets)}"
        allowed = "allowed are two targets of which pos_label is one"
        raise FinetuneError("average", f"{what}, {allowed}. Use average='macro', or name the pos_label.")
    return float(classes[targets.index(pos_label)]) if pos_label in targets else 0.0
