"""Answers from an ONNX folder: numpy, tokenizers or Pillow, and onnxruntime; no torch, no transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import saved
from finetune.errors import DataError, ExportError
from finetune.export import manifest
from finetune.export.session import Session

if TYPE_CHECKING:
    from finetune.contracts import Task


@dataclass(frozen=True, slots=True)
class Answer:
    """The label of one input and the probability of every label, most likely first."""

    input: str
    label: str
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True)
class Predictor:
    """An exported model, verified and loaded."""

    task: Task
    processor: Any
    session: Session
    file: Path

    @classmethod
    def open(cls, place: Path) -> Predictor:
        """Load the model of a run folder or of its `onnx` folder; every file is verified by its hash first."""
        folder = place / "onnx" if (place / "onnx").is_dir() else place
        if not folder.is_dir():
            raise ExportError(str(place), "is no folder. Give a run, as in runs/sentiment/last, or its onnx folder.")
        file = folder / manifest.check(folder)
        task, processor, _ = saved.read(folder)
        return cls(task, processor, Session(file), file)

    def __call__(self, inputs: Sequence[str], *, batch: int = 32) -> list[Answer]:
        """One answer per input: texts, or paths of pictures."""
        if "image" in self.task.roles.values():
            _check_pictures(inputs)
        answers: list[Answer] = []
        for start in range(0, len(inputs), batch):
            answers += self._batch(inputs[start : start + batch])
        return answers

    def _batch(self, inputs: Sequence[str]) -> list[Answer]:
        role = next(role for role, kind in self.task.roles.items() if kind != "label")
        examples = self.task.encode([{role: value} for value in inputs], self.processor)
        collated = self.task.collate(examples, self.processor)
        predicted = self.task.predict(self.session(collated.inputs), collated)
        labels = self.task.head.labels
        answers = []
        for text, row in zip(inputs, predicted["probabilities"], strict=True):
            ranked = [int(i) for i in (-row).argsort(kind="stable")]
            answers.append(Answer(text, labels.name_of(ranked[0]), {labels.name_of(i): float(row[i]) for i in ranked}))
        return answers


def _check_pictures(files: Sequence[str]) -> None:
    missing = [file for file in files if not _is_file(file)]
    if missing:
        raise DataError(missing[0], f"there is no such file ({len(missing)} of {len(files)} missing). "
                                    "This model answers pictures: give paths of image files.")


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # a text that is too long for the name of a file
        return False
