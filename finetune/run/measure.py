"""A trained run against another file: its scores there, by any column, and how many of the rows it has seen before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune import override, saved
from finetune.contracts import SPLIT_ROLES
from finetune.data import sources
from finetune.data.examples import Examples
from finetune.data.images import check_images
from finetune.errors import DataError, SpecError, nearest, some
from finetune.evaluate import score, slices
from finetune.export import manifest
from finetune.spec import Data, Files, Hub, Model, Recipe
from finetune.write import digest

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Task
    from finetune.evaluate.infer import Infer
    from finetune.run.folder import RunFolder

# What decides which rows a run takes; all other keys of `data` say how a file is read, and hold for this one too.
WHICH_ROWS = ("hub", "sample", "source", "files", "split", "max_rows")
BY = "by:"  # in front of a column that is read for its slices, so that it never meets a role of the same name


@dataclass(frozen=True, slots=True)
class Trained:
    """The model that is asked: the deployed one where the run has been exported, else PyTorch's."""

    file: str  # below the run folder
    why: str
    task: Task
    processor: Any
    infer: Infer


def measure(folder: RunFolder, file: Path, *, by: Sequence[str], overrides: Sequence[str],
            say: Callable[[str], None]) -> tuple[dict[str, Any], Path]:
    """Score a file and write `evaluations/<time>.json`; returns its content and its place.

    `by` names columns of the file; `overrides` may set how it is read (data.columns.<role>, data.images).
    """
    kept = folder.read("recipe.json")
    task, _, _ = saved.read(_model_folder(folder))
    table = _read(file, _reading(kept, task, overrides), task, by=by, say=say)
    _check_targets(table, task)
    trained = _open(folder)
    say(f"model: {trained.file}, {trained.why}")
    say(f"{table.num_rows:,} rows of {file}")
    examples = Examples(table.select(["row", *task.roles]), trained.task, trained.processor)
    columns, seed = score.predict(examples, trained.infer).columns, kept["values"]["seed"]["value"]
    found = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"), "file": str(file), "rows": table.num_rows,
        "sha256": digest(file) if file.is_file() else None, "model": trained.file, "primary": task.primary,
        "labels": list(task.head.labels), "scores": score.with_intervals(task, columns, seed=seed),
        "seen": _seen(folder, table, task, columns=columns, seed=seed),
        "slices": {name: _slices(task, columns, table[BY + name].to_pylist(), seed=seed) for name in by},
    }
    name = _free_name(folder)
    folder.write(name, found)
    return found, folder.path / name


def _model_folder(folder: RunFolder) -> Path:
    model = folder.path / "model"
    if not (model / saved.NAME).is_file():
        again = f"finetune run {folder.read('recipe.json')['recipe']} --resume {folder.path}"
        raise DataError(str(folder.path), f"has no trained model yet (next stage: {folder.next_stage}). "
                                          f"Go on with: {again}")
    return model


def _open(folder: RunFolder) -> Trained:
    onnx = folder.path / "onnx"
    if (onnx / manifest.NAME).is_file():
        from finetune.export.generate import open_model

        file = onnx / manifest.check(onnx)
        task, processor, _ = saved.read(onnx)
        return Trained(file.relative_to(folder.path).as_posix(), "the one that is deployed", task, processor,
                       open_model(file, task, processor).infer)
    import torch

    from finetune.backbones import resolve
    from finetune.evaluate.infer import torch_infer

    task, processor, family = saved.read(folder.path / "model")
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    model = resolve.reload(folder.path / "model", family, task.head).to(device)
    return Trained("model", "PyTorch, since this run has not been exported", task, processor,
                   torch_infer(model, task, device=device))


def _reading(kept: dict[str, Any], task: Task, overrides: Sequence[str]) -> tuple[Data, Data]:
    """How the training files were read with what the user says of this one on top of it; and the latter alone."""
    allowed = [f"data.{item.name}" for item in fields(Data) if item.name not in WHICH_ROWS]
    wrong = [text for text in overrides if not text.startswith(tuple(allowed))]
    if wrong:
        raise SpecError([f"{text}: cannot be changed by this command. Allowed: {', '.join(allowed)}. "
                         "Leave it out." for text in wrong])
    usual = [f"{key}={entry['value']}" for key, entry in kept["values"].items()
             if key.startswith(tuple(allowed)) and entry["value"] is not None
             and key not in {f"data.columns.{role}" for role in SPLIT_ROLES}]  # nothing is split here
    blank = Recipe(task=task, data=Data(hub=Hub(name=""), sample=""), model=Model(name=""))
    data, typed = (override.apply(blank, given).data for given in ([*usual, *overrides], overrides))
    if problems := [f"data.columns.{role}: this task has no role {role!r}. Roles: {', '.join(task.roles)}."
                    f"{nearest(role, task.roles)}" for role in data.columns if role not in task.roles]:
        raise SpecError(problems)
    return data, typed


def _read(file: Path, reading: tuple[Data, Data], task: Task, *, by: Sequence[str],
          say: Callable[[str], None]) -> pa.Table:
    """The rows of the file with `row`, `hash`, one column per role and one per slice."""
    data, typed = reading
    wanted = replace(data, files=Files(test=str(file)), columns={**data.columns, **{BY + name: name for name in by}})
    with _as_typed(by):
        found = sources.read(wanted, "files", {**task.roles, **{BY + name: "slice" for name in by}}, typed=typed)
    for note in found.notes:
        say(note)
    (table,) = found.splits.values()
    if "image" in task.roles:
        check_images(table, "FILE")
    if lacking := [name for name in by if BY + name not in table.column_names]:
        raise SpecError([f"--by {name}: {file} holds pictures alone and has no columns. Give a table that names them "
                         "(data.images=FOLDER), or leave it out." for name in lacking])
    return table


@contextmanager
def _as_typed(by: Sequence[str]) -> Iterator[None]:
    """The reader's errors in the words of this command: it knows a file by the key that a recipe has for it."""
    def spelt(text: str) -> str:
        for name in by:
            text = text.replace(f" Add data.columns.{BY}{name}=NAME.", " Name one of them.")
            text = text.replace(f"data.columns.{BY}{name}", f"--by {name}")
        return text.replace("data.files.test", "FILE")

    try:
        yield
    except SpecError as error:
        raise SpecError([spelt(problem) for problem in error.problems]) from error
    except DataError as error:
        where, _, what = spelt(str(error)).partition(": ")
        raise DataError(where, what) from error


def _check_targets(table: pa.Table, task: Task) -> None:
    """DataError with every row that has no target, and every label that the model never learnt."""
    known = set(task.head.labels) if task.roles[task.target] in ("label", "labels", "tags") else None
    having: dict[str | None, list[str]] = {}
    for cell, row in zip(table[task.target].to_pylist(), table["row"].to_pylist(), strict=True):
        names = cell if isinstance(cell, list) else [cell]
        for name in names if cell is None or known is not None else ():
            if name is None or name not in (known or ()):
                having.setdefault(name, []).append(row)
    problems = [f"{_having(rows)} {_lacking(label, task)}" for label, rows in
                sorted(having.items(), key=lambda item: item[0] or "")]
    if problems:
        raise DataError("FILE", "\nFILE: ".join(problems))


def _slices(task: Task, columns: dict[str, Array], cells: Sequence[str | None], *, seed: int) -> list[dict[str, Any]]:
    return [asdict(part) for part in slices.score_by(task, columns, cells, seed=seed)]


def _having(rows: Sequence[str]) -> str:
    return f"{len(rows):,} rows ({some(rows)}) have" if len(rows) > 1 else f"row {rows[0]} has"


def _lacking(label: str | None, task: Task) -> str:
    if label is None:
        return f"no {task.target}. Fill it in, or remove the rows; finetune predict answers rows without one."
    names = task.head.labels
    return (f"the label {label!r}, which the model has not learnt. Labels: {some(names, 10)}."
            f"{nearest(label, names)} Correct the rows, or remove them.")


def _seen(folder: RunFolder, table: pa.Table, task: Task, *, columns: dict[str, Array],
          seed: int) -> dict[str, Any] | None:
    """How many rows it was trained and chosen on, and the score without them; None where it cannot be told."""
    from finetune.clean import cells, duplicates, encoding

    if not all((folder.path / "data" / f"{split}.arrow").is_file() for split in ("train", "validation")):
        return None

    def keys(rows: pa.Table) -> list[str]:
        # Training rows lie there repaired and held-out rows as they came, so all are compared repaired.
        return duplicates.keys(cells.repaired(rows, encoding.find(rows, task.roles), roles=task.roles), task.roles)

    own = keys(table)
    known = {split: set(keys(folder.table(split))) for split in ("train", "validation")}
    new = np.asarray([not any(key in of_split for of_split in known.values()) for key in own])
    counts = {split: sum(key in of_split for key in own) for split, of_split in known.items()}
    without = None
    if new.any() and not new.all():
        without = score.with_intervals(task, score.part(columns, new), seed=seed)[task.primary]
    return {**counts, "unseen": int(new.sum()), f"{task.primary}_unseen": without}


def _free_name(folder: RunFolder) -> str:
    """A name that no evaluation has yet, also when two are made within a second."""
    time, number = f"{datetime.now(UTC):%Y%m%d-%H%M%S}", 1
    while (folder.path / (name := f"evaluations/{time}{f'-{number}' if number > 1 else ''}.json")).exists():
        number += 1
    return name
