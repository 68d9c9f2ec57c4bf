"""Which labels a task learns: the user's list or those of the training rows, checked against the rows of all splits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from finetune.errors import DataError, nearest, some

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

_INTEGER = re.compile("[+-]?[0-9]{1,18}")


def problems(named: tuple[str, ...] | str, *, at_least: int = 2) -> list[str]:
    """What is wrong with `task.labels`, whatever the rows are."""
    if named == "auto":
        return []
    if isinstance(named, str):
        return [f"task.labels: {named!r} found, allowed are auto or a list of labels. Use for example [{named},other]."]
    twice = sorted({label for label in named if named.count(label) > 1})
    if twice:
        return [f"task.labels: {some(map(repr, twice))} is in the list more than once. Name every label once."]
    if len(named) < at_least:
        given = f"{named[0]!r} is the only label" if named else "no label is given"
        return [f"task.labels: {given}, at least {at_least} {'are' if at_least > 1 else 'is'} needed. Name them all "
                "(task.labels=bad,good), or use auto."]
    return []


def positive_problems(
    positive: str | None, named: tuple[str, ...] | Literal["auto"], *, threshold: str | float, primary: str
) -> list[str]:
    """What is wrong with `task.positive` and what goes with it, whatever the rows are."""
    found = []
    if positive is None:
        needing = {f"task.threshold: {threshold}": threshold != "argmax",
                   f"task.primary: {primary}": primary in ("f1", "average_precision")}
        found += [f"{setting} found, but no label is the positive one. Add task.positive=LABEL, or leave it out."
                  for setting, is_set in needing.items() if is_set]
    elif named != "auto" and (len(named) != 2 or positive not in named):
        found.append(f"task.positive: {positive!r} found, but the labels are {some(named)}. Two labels are needed, and "
                     "one of them is the positive one.")
    if isinstance(threshold, float) and not 0 < threshold < 1:
        found.append(f"task.threshold: {threshold:g} found, allowed are numbers between 0 and 1, f1 and argmax. Use "
                     "f1.")
    return found


def check_positive(positive: str | None, names: Sequence[str]) -> None:
    """DataError where `task.positive` is none of two labels."""
    if positive is not None and (len(names) != 2 or positive not in names):
        given = some(map(repr, names))
        raise DataError("task.positive", f"{positive!r} found, the labels of the rows are {given}. Two "
                                         f"labels are needed, one of them the positive one.{nearest(positive, names)} "
                                         "Name it, or leave task.positive out.")


def threshold_problems(
    given: tuple[float, ...] | Literal["auto"], named: tuple[str, ...] | Literal["auto"]
) -> list[str]:
    """What is wrong with `task.thresholds`, whatever the rows are."""
    if given == "auto":
        return []
    outside = [value for value in given if not 0 < value < 1]
    if outside or not given:
        return [f"task.thresholds: {some(outside) or 'nothing'} found, allowed are numbers between 0 and 1. Use 0.5, "
                "or auto."]
    if len(given) > 1 and named == "auto":
        return [f"task.thresholds: {len(given)} given, but which label each is for is not. Add task.labels=A,B,... in "
                "the same order, or give one for all."]
    if named != "auto" and len(given) not in (1, len(named)):
        return [f"task.thresholds: {len(given)} given for {len(named)} labels. Give one for each, or one for all."]
    return []


def one_each(
    given: tuple[float, ...] | Literal["auto"], names: Sequence[str]
) -> tuple[float, ...] | Literal["auto"]:
    """A threshold for each label where the user gave one for all of them."""
    return given * len(names) if given != "auto" and len(given) == 1 else given


def multi_hot(names: Sequence[str], labels: Sequence[str]) -> Array:
    """1 for each of the labels that is among the names, else 0; every name is a label."""
    import numpy as np

    target = np.zeros(len(labels), dtype=np.int64)
    target[[labels.index(name) for name in names]] = 1
    return target


def resolve_labels(splits: Mapping[str, pa.Table], named: tuple[str, ...] | Literal["auto"], *,
                   at_least: int = 2) -> tuple[str, ...]:
    """The labels in the order of their targets: `named`, or for `auto` those of the training rows, sorted.

    Labels that are all integers are sorted by value; rows without a label are ignored. `named` has passed `problems`.

    Raises DataError with every contradiction between the labels and the rows.
    """
    counts = _counts(splits["train"])
    labels = _sorted(counts) if named == "auto" else named
    wrong = [
        *_too_few(labels, counts, at_least),
        *(_against_training(labels, splits["train"]) if named != "auto" else ()),
        *_unseen(splits, counts),
    ]
    if wrong:
        raise DataError("task.labels", "\ntask.labels: ".join(wrong))
    return labels


def _counts(table: pa.Table) -> dict[str, int]:
    import pyarrow.compute as pc

    found = pc.value_counts(_each(table["label"].drop_null())).to_pylist()
    return {entry["values"]: entry["counts"] for entry in found}


def _each(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Every label of every row, where rows have lists of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.list_flatten(cells) if pa.types.is_list(cells.type) else cells


def _sorted(labels: Mapping[str, int]) -> tuple[str, ...]:
    if all(_INTEGER.fullmatch(label) for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def _too_few(labels: Sequence[str], counts: Mapping[str, int], at_least: int) -> list[str]:
    total = sum(counts.values())
    if not total:
        needed = "two labels are" if at_least > 1 else "one at least is"
        return [f"no training row has a label, {needed} needed. Fill the label column, or name another one."]
    problems = []
    if len(labels) < at_least:
        only = f"{labels[0]!r} is the only label" if labels else "no label is given"
        problems.append(f"{only}, at least 2 are needed. Add rows of another label, or name another column.")
    if total < len(labels):
        problems.append(f"{total:,} training rows found, {len(labels):,} labels need at least one row each. Add rows.")
    return problems


def _against_training(labels: Sequence[str], train: pa.Table) -> list[str]:
    """What the user's list and the training rows do not have in common."""
    counts = _counts(train)
    absent = [label for label in labels if label not in counts]
    unnamed = [label for label in _sorted(counts) if label not in labels]
    problems = [
        f"no training row has the label {label!r}. Labels found: {some(_sorted(counts), 10)}.{nearest(label, unnamed)}"
        " Add rows that have it, or leave it out."
        for label in absent
    ]
    return problems + [
        f"{_rows(train, label)} the label {label!r}, which is not in the list.{nearest(label, absent or labels)}"
        " Add it to the list, correct the rows, or remove them."
        for label in unnamed
    ]


def _unseen(splits: Mapping[str, pa.Table], counts: Mapping[str, int]) -> list[str]:
    """Labels that only rows for measuring have: a model cannot learn them."""
    return [
        f"{_rows(table, label)} the label {label!r} in {split}, which no training row has.{nearest(label, counts)}"
        f" Add such rows to training, or correct the {split} rows."
        for split, table in splits.items() if split != "train"
        for label in _sorted(_counts(table)) if label not in counts
    ]


def _rows(table: pa.Table, label: str) -> str:
    """`3 rows (reviews.csv:4, ...) have`."""
    import pyarrow.compute as pc

    cells = table["label"]
    has_it = pc.equal(cells, label) if cells.type == "string" else [label in (cell or ()) for cell in cells.to_pylist()]
    rows = table["row"].filter(has_it).to_pylist()
    return f"{len(rows):,} rows ({some(rows)}) have" if len(rows) > 1 else f"row {rows[0]} has"
