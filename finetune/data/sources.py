"""Rows by source: the user's files, a Hub data set, or the sample that ships with the package."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from finetune.contracts import SPLIT_ROLES, SPLITS, SplitRows
from finetune.data import listing
from finetune.data.images import read_image_folder
from finetune.data.read import read_tables
from finetune.data.table_file import TableFile, Wanted
from finetune.errors import DataError, FinetuneError, SpecError, nearest
from finetune.machine import hub_reachable

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.spec import Data

Found = TypeVar("Found", bound=Any)  # tables yet to be read, or read

SAMPLES = Path(__file__).parent / "samples"
_NO_SAMPLE = "Leave data.sample out, or give your own rows (data.files.train=FILE)."
HUB_ROWS = 5_000  # training rows of a Hub data set where there is no accelerator and data.max_rows is auto


def choose(data: Data) -> tuple[str, str]:
    """The source that `auto` stands for, and the reason."""
    if data.source != "auto":
        return data.source, "set by data.source"
    if data.files.train:
        return "files", "data.files.train is given"
    if hub_reachable():
        return "hub", f"the Hub can be reached ({data.hub.name})"
    return "sample", "no files are given and the Hub cannot be reached"


def read(data: Data, source: str, roles: Mapping[str, str], *, typed: Data | None = None,
         aside: Path | None = None) -> SplitRows:
    """All rows of a source by split, as Arrow tables with `row`, `hash` and one column per role.

    The roles are those of the task and what the user names besides (see `all_roles`). A setting for which the files
    have no use is refused: any of `data`, or of `typed` where some are inherited. The folder `aside` takes what is too
    large for memory.
    """
    roles = all_roles(data, source, roles)
    if source == "files":
        return _files(data, Wanted.by(data, roles, aside), typed or data)
    if source == "hub":
        from finetune.data import hub

        return hub.read(data.hub, roles)
    return _sample(data.sample, roles)


def all_roles(data: Data, source: str, roles: Mapping[str, str]) -> dict[str, str]:
    """The roles of a task, and group and time where a column is named for them."""
    return {**roles, **{role: kind for role, kind in SPLIT_ROLES.items() if role in columns(data, source)}}


def columns(data: Data, source: str) -> Mapping[str, str]:
    """The names that columns have in the rows of a source, by role, where they were told."""
    return data.columns if source == "files" else data.hub.columns if source == "hub" else {}


def samples() -> list[str]:
    """The samples that ship with the package: a folder of tables, or a file that makes the rows."""
    return sorted(path.stem for path in SAMPLES.iterdir() if path.stem not in ("__init__", "__pycache__")
                  and (path.is_dir() or path.suffix == ".py"))


def _files(data: Data, wanted: Wanted, typed: Data) -> SplitRows:
    given = {"train": data.files.train, "validation": data.files.validation, "test": data.files.test}
    roles, notes = wanted.roles, list[str]()
    tables: dict[str, list[TableFile]] = {}
    splits: dict[str, pa.Table] = {}
    for split, place in given.items():
        if place is None:
            continue
        if split in tables or split in splits:
            raise DataError(f"data.files.{split}", f"data.files.train={given['train']} brings {split} rows along. "
                                                   "Leave one of the two out, or name the training files alone.")
        found, passed_over = listing.find(place, split=split, roles=roles)
        notes += passed_over
        if found:
            tables |= _checked(found, place, split=split)
        else:
            _refuse_folder(place, split, roles)
            read = read_image_folder(Path(place).expanduser(), key=f"data.files.{split}")
            splits |= _checked(read, place, split=split)
    _refuse_idle(typed, [file for files in tables.values() for file in files], roles)
    for split, files in tables.items():
        splits[split], said = read_tables(files, wanted)
        notes += said
    splits = {split: splits[split] for split in given if split in splits}
    return SplitRows(splits, source="files", name=str(data.files.train), notes=notes)


def _checked(found: dict[str, Found], place: str, *, split: str) -> dict[str, Found]:
    """What was found in a place given as `split`: as training rows it may bring the other splits along."""
    if split == "train" and "train" not in found:
        raise DataError("data.files.train", f"{place} holds only {', '.join(sorted(found))}. Training rows are needed: "
                                            "files that tell no split, or train beside the others.")
    if split != "train" and len(found) > 1:
        raise DataError(f"data.files.{split}", f"{place} holds several splits ({', '.join(sorted(found))}). Give it as "
                                               f"data.files.train alone, or name the {split} files.")
    return found if split == "train" else {split: next(iter(found.values()))}


def _refuse_folder(place: str, split: str, roles: Mapping[str, str]) -> None:
    """DataError where a task wants something else of a picture than the one label that a folder gives it."""
    for kind, learnt in (("labels", "lists"), ("number", "numbers")):
        if kind in roles.values():
            raise DataError(f"data.files.{split}", f"{place} holds pictures alone, and a folder gives each of them one "
                                                   f"label; this task learns {learnt}. Give a table of names and "
                                                   f"{learnt}, with data.images=FOLDER-or-ZIP.")


def _refuse_idle(data: Data, files: Sequence[TableFile], roles: Mapping[str, str]) -> None:
    """SpecError for settings that none of the files given has a use for."""
    suffixes = {".txt" if file.label else file.suffix for file in files}
    names = ", ".join(sorted(suffixes)) or "pictures"
    idle = []
    if data.quotes != "auto" and not suffixes & {".csv", ".tsv"}:
        idle.append(f"data.quotes: only CSV and TSV have quotes, the files are {names}. Leave it out.")
    if data.encoding != "auto" and not suffixes - {".parquet", ".arrow", ".feather", ".idx"}:
        idle.append(f"data.encoding: only text has one, the files are {names}. Leave it out.")
    if data.columns and not files:
        idle.append("data.columns: a folder of pictures has no columns. Leave it out.")
    if data.images and ("image" not in roles.values() or not suffixes - {".idx"}):
        idle.append(f"data.images: only for tables that name pictures, the files are {names}. Leave it out.")
    if idle:
        raise SpecError(idle)


def _sample(name: str, roles: Mapping[str, str]) -> SplitRows:
    made = None
    if (SAMPLES / f"{name}.py").is_file():
        made = cast("SplitRows", importlib.import_module(f"finetune.data.samples.{name}").rows())
        columns = made.splits["train"].column_names
    elif (table := SAMPLES / name / "train.csv").is_file():
        with table.open(encoding="utf-8", newline="") as opened:
            columns = next(csv.reader(opened))
    else:  # of a format of its task, whose reader knows what is in it
        columns = list(roles)
    lacking = [role for role in roles if role not in columns]
    if lacking:
        names = " and no column ".join(map(repr, lacking))
        raise SpecError([f"data.sample: {name!r} has no column {names}, which this task learns from. {_NO_SAMPLE}"])
    return made or _tables(name, roles)


def _tables(name: str, roles: Mapping[str, str]) -> SplitRows:
    """The tables of a sample, which are called like their splits."""
    splits, notes = {}, list[str]()
    for file in sorted((SAMPLES / name).iterdir()):
        if file.stem in SPLITS:
            try:
                splits[file.stem], said = read_tables([listing.one(file, "data.sample", roles)], Wanted(roles))
            except FinetuneError as error:
                raise SpecError([f"data.sample: {name!r} does not hold what this task learns from. "
                                 f"{_NO_SAMPLE}"]) from error
            notes += said
    return SplitRows(splits, source="sample", name=name, license="apache-2.0", notes=notes)


def limit(data: Data, source: str, *, accelerator: bool) -> int | None:
    """Training rows at most, or None."""
    if isinstance(data.max_rows, int):
        return data.max_rows
    return HUB_ROWS if data.max_rows == "auto" and source == "hub" and not accelerator else None


def problems(data: Data, roles: Mapping[str, str]) -> list[str]:
    """What is wrong with the settings, before anything is read."""
    found = []
    if data.sample not in samples():
        found.append(f"data.sample: there is no sample {data.sample!r}. Samples: {', '.join(samples())}."
                     f"{nearest(data.sample, samples())}")
    known = {**roles, **SPLIT_ROLES}
    found += [f"data.{key}.{role}: this task has no role {role!r}. Roles: {', '.join(known)}.{nearest(role, known)}"
              for key, named in (("columns", data.columns), ("hub.columns", data.hub.columns))
              for role in named if role not in known]
    return found


def absent(data: Data) -> list[str]:
    """The places named that are not there, which only a run that has yet to read its rows needs."""
    named = {f"data.files.{split}": getattr(data.files, split) for split in SPLITS}
    named |= {"data.images": data.images}
    found = [f"{key}: {said}" for key, place in named.items() if place and (said := listing.absent(place))]
    if data.split.file and not Path(data.split.file).expanduser().is_file():
        found.append(f"data.split.file: there is no file {data.split.file}. Name data/split.jsonl of an earlier run.")
    return found
