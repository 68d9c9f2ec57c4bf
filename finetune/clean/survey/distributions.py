"""Whether validation and test rows are like the training rows, and like each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from finetune.clean.scripts import NAMES, scripts
from finetune.clean.survey.significance import chi_square, holm, kolmogorov_smirnov

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

LEVEL = 0.05  # of all tests together
# A difference below it is called alike however sure it is, since among a million rows every difference is sure: a
# tenth of the rows, such as 50 against 60 in 100, or a quarter of a standard deviation: small effects (Cohen 1988).
MIN_EFFECT = 0.1
Numbers = Mapping[str, Mapping[str, "Array"]]  # split -> what is measured -> one number per row
Shares = Mapping[str, Mapping[str, Mapping[str, int]]]  # split -> what is counted -> rows by kind


def shares(splits: Mapping[str, pa.Table], roles: Mapping[str, str]) -> dict[str, dict[str, dict[str, int]]]:
    """Rows of each split by label, and by the script they are written in."""
    return {split: {_named(column, kind, roles): _counts(table[column], kind) for column, kind in roles.items()
                    if kind in ("label", "text")} for split, table in splits.items()}


def between(numbers: Numbers, shares: Shares) -> list[dict[str, Any]]:
    """One test for every measure and pair of splits, their p values corrected for as many.

    `between` are the medians, or the shares of the kind `of` that differs most.
    """
    found = []
    for one, other in combinations(numbers, 2):
        for what in numbers[one]:
            found += _numeric(what, (one, other), numbers)
        for what in shares[one]:
            found += _counted(what, (one, other), shares)
    corrected = holm([entry["p"] for entry in found])
    return [entry | {"p_corrected": p, "differs": p < LEVEL and entry["effect"] >= MIN_EFFECT}
            for entry, p in zip(found, corrected, strict=True)]


def _numeric(what: str, pair: tuple[str, str], numbers: Numbers) -> list[dict[str, Any]]:
    import numpy as np

    sides = [numbers[split].get(what, np.zeros(0)) for split in pair]
    sides = [side[np.isfinite(side)] for side in sides]
    if not all(map(len, sides)) or len({bound for side in sides for bound in (side.min(), side.max())}) < 2:
        return []  # nothing to compare
    answer = kolmogorov_smirnov(*sides)
    return [{"what": what, "test": "KS", "splits": list(pair), "rows": [len(side) for side in sides],
             **answer._asdict(), "between": [float(np.median(side)) for side in sides]}]


def _counted(what: str, pair: tuple[str, str], shares: Shares) -> list[dict[str, Any]]:
    sides = [shares[split].get(what, {}) for split in pair]
    answer = chi_square(*sides)
    if answer is None:
        return []
    totals = [sum(side.values()) for side in sides]
    parts = {kind: [side.get(kind, 0) / total for side, total in zip(sides, totals, strict=True)]
             for kind in sorted(set(sides[0]) | set(sides[1]))}
    most = max(parts, key=lambda kind: abs(parts[kind][0] - parts[kind][1]))
    return [{"what": what, "test": "chi-square", "splits": list(pair), "rows": totals, **answer._asdict(),
             "of": most, "between": parts[most]}]


def _named(column: str, kind: str, roles: Mapping[str, str]) -> str:
    what = {"label": "labels", "text": "scripts"}[kind]
    return what if list(roles.values()).count(kind) == 1 else f"{what} of {column}"


def _counts(cells: pa.ChunkedArray, kind: str) -> dict[str, int]:
    import numpy as np

    if kind == "label":
        counted = cells.drop_null().value_counts()
        return {str(entry["values"]): entry["counts"] for entry in counted.to_pylist()}
    found = Counter(dict(enumerate(np.bincount(scripts(cells)[0], minlength=len(NAMES)).tolist())))
    return {NAMES[script] or "no letters": number for script, number in found.items() if number}
