"""`finetune.json`: which task a model folder answers, with which labels; enough to predict without torch."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.pixels import ImageProcessor
from finetune.data.text import TextProcessor
from finetune.errors import DataError
from finetune.write import read_json, write_json

if TYPE_CHECKING:
    from finetune.contracts import Task

FORMAT = 1
NAME = "finetune.json"


def write(folder: Path, task: Task, processor: Any, *, family: str) -> None:
    """Write the processor's files and the task's settings into a model folder."""
    processor.save(folder)
    write_task(folder, task, family=family)


def write_task(folder: Path, task: Task, *, family: str) -> None:
    """Write the task's settings alone, where the processor's files lie already."""
    write_json(folder / NAME, {"format": FORMAT, "task": type(task).__module__.rsplit(".", 1)[1],
                               "class": type(task).__name__, "settings": settings(task), "family": family})


def settings(task: Task) -> dict[str, Any]:
    """The fields of a task by name, but for places on this machine."""
    return {item.name: getattr(task, item.name) for item in fields(task)  # type: ignore[arg-type]  # a dataclass
            if item.metadata.get("saved", True)}


def tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a task takes them: JSON knows lists alone."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}


def read(folder: Path) -> tuple[Task, Any, str]:
    """The task, the processor and the backbone family of a model folder."""
    if not (folder / NAME).is_file():
        raise DataError(str(folder), f"holds no {NAME}, so it is not the model folder of a run. Give the run's folder, "
                                     "as in runs/sentiment/last.")
    try:
        saved = read_json(folder / NAME)
        if saved["format"] > FORMAT:
            raise DataError(str(folder / NAME), f"was written by a newer version (format {saved['format']}, known is "
                                                f"{FORMAT}). Update finetune.")
        allowed = sorted(file.stem for file in (Path(__file__).parent / "tasks").glob("[a-z]*.py"))
        if saved["task"] not in allowed:  # a file name, never code: the folder is the registry
            raise DataError(str(folder / NAME), f"names the task {saved['task']!r}. Tasks: {', '.join(allowed)}.")
        kind = getattr(importlib.import_module(f"finetune.tasks.{saved['task']}"), saved["class"])
        task, family = kind(**tuples(saved["settings"])), saved["family"]
        processor = ImageProcessor if "image" in task.roles.values() else TextProcessor
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(str(folder / NAME), f"cannot be read ({error}). Train or export the run again.") from error
    try:
        return task, processor.load(folder), family
    except (OSError, ValueError, KeyError, TypeError) as error:
        again = "Train or export the run again."
        raise DataError(str(folder), f"its processor cannot be read ({error}). {again}") from error
