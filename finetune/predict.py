"""Answers from an ONNX folder: numpy, tokenizers or Pillow, and onnxruntime; no torch, no transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import saved
from finetune.errors import DataError, ExportError
from finetune.export import manifest
from finetune.export.generate import open_model

if TYPE_CHECKING:
    from finetune.contracts import Task
    from finetune.export.generate import Generator
    from finetune.export.session import Session


@dataclass(frozen=True, slots=True)
class Predictor:
    """An exported model, verified and loaded."""

    task: Task
    processor: Any
    session: Session | Generator
    file: Path

    @classmethod
    def open(cls, place: Path) -> Predictor:
        """Load the model of a run folder or of its `onnx` folder; every file is verified by its hash first."""
        folder = place / "onnx" if (place / "onnx").is_dir() else place
        if not folder.is_dir():
            raise ExportError(str(place), "is not a folder. Give a run, as in runs/sentiment/last, or its onnx folder.")
        file = folder / manifest.check(folder)
        task, processor, _ = saved.read(folder)
        return cls(task, processor, open_model(file, task, processor), file)

    @property
    def roles(self) -> list[str]:
        """What every answer is asked with, in order."""
        return [role for role in self.task.roles if role != self.task.target]

    def __call__(self, inputs: Sequence[str | Mapping[str, str]], *, batch: int = 32) -> list[dict[str, Any]]:
        """One answer per input, in the task's words, with the `input` that it is to.

        An input is a text or the path of a picture; where the task takes several, a mapping of role to text.
        """
        rows = [{self.roles[0]: given} if isinstance(given, str) else given for given in inputs]
        lacking = [position for position, row in enumerate(rows) if set(row) != set(self.roles)]
        if lacking:
            raise DataError(f"input {lacking[0] + 1}", f"holds {', '.join(rows[lacking[0]]) or 'nothing'}. This model "
                                                       f"takes {' and '.join(self.roles)} for every answer.")
        if "image" in self.task.roles.values():
            _check_pictures([row[self.roles[0]] for row in rows])
        answers: list[dict[str, Any]] = []
        for start in range(0, len(rows), batch):
            answers += self._batch(rows[start : start + batch])
        return [{"input": given, **answer} for given, answer in zip(inputs, answers, strict=True)]

    def _batch(self, rows: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        collated = self.task.collate(self.task.encode(rows, self.processor), self.processor)
        return self.task.answers(self.task.predict(self.session(collated.inputs), collated))


def _check_pictures(files: Sequence[str]) -> None:
    missing = [file for file in files if not _is(Path.is_file, file)]
    if missing:
        first, number = missing[0] or "an empty line", f"{len(missing)} of {len(files)} missing"
        found = "is a folder" if _is(Path.is_dir, first) else "there is no such file"
        raise DataError(first, f"{found} ({number}). This model answers pictures: give paths of image files.")


def _is(kind: Callable[[Path], bool], name: str) -> bool:
    try:
        return kind(Path(name))
    except OSError:  # a text that is too long for the name of a file
        return False
