"""On which side of a split a row stands: held out by content, group or time, or as an earlier run had it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import mapped
from finetune.clean import broken_pictures
from finetune.clean.engine import TRAIN
from finetune.contracts import SPLITS
from finetune.data import earlier, split, times
from finetune.errors import DataError, SpecError

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.clean.engine import Cleaned
    from finetune.run.context import Run


def hold_out(run: Run, splits: Mapping[str, pa.Table], roles: Mapping[str, str]) -> dict[str, pa.Table]:
    """Validation and test rows from train, where the data bring none; says how.

    A time column makes the newest rows test; else copies, near copies and rows of one group stay together.
    """
    import pyarrow as pa

    asked = run.recipe.data.split
    shares = {name: share for name, share in (("validation", asked.validation), ("test", asked.test))
              if name not in splits}
    if "group" in roles:
        _say_groups(run, splits)
    if not shares:
        _refuse_idle(run, roles)
        return {name: splits[name] for name in SPLITS}
    train, broken = broken_pictures.apart(splits[TRAIN], roles)  # nothing to be measured by
    parts = _by_time(run, train, shares) if "time" in roles else _by_content(run, train, shares, roles=roles)
    if broken.num_rows:
        parts[TRAIN] = pa.concat_tables([parts[TRAIN], broken])  # where cleaning drops them
    return {name: {**splits, **parts}[name] for name in SPLITS}


def sides(cleaned: Cleaned) -> Iterator[dict[str, Any]]:
    """The lines of `data/split.jsonl`: the rows that stay, with the hash that they came with."""
    came: dict[tuple[str, str], str] = {}
    for line in cleaned.ledger:
        if line.action == "changed":
            came.setdefault((line.split, line.row), line.hash)
    for name, table in cleaned.splits.items():
        for start in range(0, table.num_rows, 10_000):  # all at once they would be as large as the table
            part = table.slice(start, 10_000)
            rows, hashes = part["row"].to_pylist(), part["hash"].to_pylist()
            groups = part["group"].to_pylist() if "group" in part.column_names else [None] * len(rows)
            for row, content, group in zip(rows, hashes, groups, strict=True):
                yield earlier.line(row, came.get((name, row), content), name, group=group)


def _by_time(run: Run, train: pa.Table, shares: Mapping[str, float]) -> dict[str, pa.Table]:
    parts, since = times.cut(train, shares)
    held = " and ".join(f"{parts[name].num_rows:,} rows from {since[name]} on for {name}" for name in shares)
    run.say(f"held out of the training rows, the newest: {held}")
    return parts


def _by_content(
    run: Run, train: pa.Table, shares: Mapping[str, float], *, roles: Mapping[str, str]
) -> dict[str, pa.Table]:
    from finetune.clean.near import pairs

    keys, known = pairs.whole_keys(train, roles), dict[str, str]()
    mapped.let_go()
    if file := run.recipe.data.split.file:
        past = earlier.read(Path(file).expanduser())
        keys, known, num_known = earlier.keep(train, keys, past, among=("train", *shares))
        run.say(f"{num_known:,} of {train.num_rows:,} rows keep the side that {file} gives them")
    unit = "groups" if "group" in roles else "rows"
    parts = split.hold_out(train, shares=shares, keys=keys, seed=run.recipe.seed, known=known, unit=unit,
                           aside=run.folder.path)
    held = " and ".join(f"{parts[name].num_rows:,} rows for {name}" for name in shares)
    whole = ", groups whole" if "group" in roles else ""
    run.say(f"held out of the training rows, stratified{whole}: {held}")
    return parts


def _say_groups(run: Run, splits: Mapping[str, pa.Table]) -> None:
    """How many groups there are, and how many rows have none; DataError where no row has one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    groups = pa.chunked_array([chunk for table in splits.values() for chunk in table["group"].chunks], pa.string())
    if groups.null_count == len(groups):
        raise DataError("data.columns.group", f"all {len(groups):,} rows have an empty group. Name another column, or "
                                              "leave it out.")
    alone = f"; {groups.null_count:,} rows have none and stand for themselves" if groups.null_count else ""
    run.say(f"groups: {len(pc.unique(groups.drop_null())):,}{alone}")


def _refuse_idle(run: Run, roles: Mapping[str, str]) -> None:
    """SpecError for what says how to hold rows out, where validation and test rows are given."""
    idle = {"data.columns.time": "time" in roles, "data.split.file": run.recipe.data.split.file is not None}
    if wrong := [key for key, is_set in idle.items() if is_set]:
        raise SpecError([f"{key}: says which rows are held out, but validation and test rows are given. Leave it out."
                         for key in wrong])
