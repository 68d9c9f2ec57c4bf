"""The run folder: where it is, what it holds, which stage comes next. Everything follows from the files in it."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import machine, override
from finetune.errors import DataError, FinetuneError
from finetune.write import read_json, sync, write_json

if TYPE_CHECKING:
    from finetune.spec import Recipe

# Each stage and the file that it writes last; the first one missing is where a run goes on.
STAGES = {
    "prepare": "data/quality.json",
    "train": "model/finetune.json",
    "evaluate": "metrics.json",
    "export": "onnx/report.json",
    "report": "report.html",
}


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run on disk."""

    path: Path

    @property
    def next_stage(self) -> str | None:
        """The first stage that has not finished, or None."""
        return next((stage for stage, file in STAGES.items() if not (self.path / file).is_file()), None)

    def read(self, name: str) -> Any:
        """A JSON file of the run."""
        return read_json(self.path / name)

    def write(self, name: str, value: Any) -> None:
        """A JSON file of the run, atomically."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path / name, value)

    def table(self, split: str) -> Any:
        """The cleaned rows of a split, memory-mapped."""
        import pyarrow as pa

        with pa.memory_map(str(self.path / "data" / f"{split}.arrow")) as source:
            return pa.ipc.open_file(source).read_all()

    def write_table(self, split: str, table: Any) -> None:
        """The cleaned rows of a split as an Arrow file."""
        import pyarrow as pa

        file = self.path / "data" / f"{split}.arrow"
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.draft")  # in place, whoever has it mapped would be killed by a bus error
        with pa.OSFile(str(draft), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        sync(draft)
        draft.replace(file)


def is_later(stage: str, than: str) -> bool:
    """Whether a stage comes after another."""
    order = list(STAGES)
    return order.index(stage) > order.index(than)


def create(recipe: Recipe, name: str, *, overrides: Sequence[str], command: str) -> RunFolder:
    """A new run folder `<output_dir>/<recipe>/<time>-<hash>` with its `recipe.json`; never an existing one.

    Runs of equal settings that begin in the same second are numbered: `<time>-<hash>-2`.
    """
    values = override.values(recipe)
    now = datetime.now(UTC)
    mark = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:6]
    try:
        path = _made(home(recipe.output_dir, name) / f"{now:%Y%m%d-%H%M%S}-{mark}")
    except OSError as error:
        raise DataError(f"output_dir: {recipe.output_dir}", f"no run folder can be made there: {error.strerror}. Set "
                                                            "output_dir=FOLDER to a place you can write to.") from error
    origins = override.origins(recipe, overrides)
    folder = RunFolder(path)
    folder.write("recipe.json", {
        "recipe": name, "time": now.isoformat(timespec="seconds"), "command": command, "overrides": list(overrides),
        "values": {key: {"value": value, "from": origins[key]} for key, value in values.items()},
        "versions": machine.versions(), "commit": machine.commit(), "machine": machine.describe(),
    })
    return folder


def _made(path: Path) -> Path:
    """A new folder of that name, or with the first number behind it that is free: equal runs may begin together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        own = path if number == 1 else path.with_name(f"{path.name}-{number}")
        with suppress(FileExistsError):
            own.mkdir()  # of all that try at the same time, one makes it
            return own
    raise AssertionError("numbers do not end")


def discard(folder: RunFolder) -> None:
    """Remove a run that ended before its rows were ready."""
    shutil.rmtree(folder.path)


def home(output_dir: str, name: str) -> Path:
    """Where the runs of a recipe lie; a variant's colon becomes a hyphen, which every file system takes."""
    return Path(output_dir).expanduser() / Path(name).stem.replace(":", "-")


def finish(folder: RunFolder) -> None:
    """Point `last` at this run."""
    link, draft = folder.path.parent / "last", folder.path.parent / ".last.draft"
    draft.unlink(missing_ok=True)
    draft.symlink_to(folder.path.name)
    draft.replace(link)


def open_run(place: Path) -> RunFolder:
    """An existing run, by its folder or `last`."""
    if not (place / "recipe.json").is_file():
        near = sorted(str(file.parent) for file in place.parent.glob("*/recipe.json")) if place.parent.is_dir() else []
        known = f" Runs there: {', '.join(near[-3:])}." if near else ""
        raise DataError(str(place), f"is not a run folder (it has no recipe.json).{known} Give one, as in "
                                    "runs/sentiment/last.")
    return RunFolder(place.resolve())


def newest_unfinished(output_dir: str, name: str) -> RunFolder:
    """The run that `--resume` without a folder means."""
    runs = sorted(file.parent for file in home(output_dir, name).glob("*/recipe.json") if not file.parent.is_symlink())
    unfinished = [RunFolder(path.resolve()) for path in runs if RunFolder(path).next_stage]
    if not unfinished:
        raise FinetuneError(str(home(output_dir, name)), f"there is no unfinished run among {len(runs)}. Start one: "
                                                         f"finetune run {name}")
    return unfinished[-1]
