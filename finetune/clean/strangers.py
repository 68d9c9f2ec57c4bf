"""Rows far from all others in what the backbone sees of them: another language or subject, a broken picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from finetune.clean.duplicates import about_rows
from finetune.clean.probe.embedded import matrix
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

order = 82
kinds: tuple[str, ...] = ("text", "image", "features")
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

NEIGHBOURS = 10
MIN_ROWS = 100  # below, no distance is usual yet
SPREADS = 5.0  # above the median, in robust standard deviations of the logarithms
SIGMA = 1.4826  # median absolute deviations to a standard deviation, where it is a normal one
MOST = 20_000  # training rows that distances are measured to; beyond, a sample of them
SEED = 13
BLOCK = 512
NUM_EXAMPLES = 24


@dataclass(frozen=True, slots=True)
class Usual:
    """The training rows as directions, and the distances that are usual among them."""

    directions: Array
    median: float
    limit: float


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Rows of one table that lie far from all others."""
    return learn(table, roles)(table, roles)


def learn(
    train: pa.Table, roles: Mapping[str, str],  # noqa: ARG001  # as every rule that learns
) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """The rule for every split: the mean cosine distance to the nearest training rows, and what is usual of it."""
    import numpy as np

    features = matrix(train)
    if features is None or train.num_rows < MIN_ROWS:
        return lambda table, roles: Findings()  # noqa: ARG005  # as find has it
    directions, rows = _directions(features), np.arange(train.num_rows)
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, MOST, replace=False))
    itself = np.full(train.num_rows, -1)
    itself[rows] = np.arange(len(rows))
    own = distances(directions, directions[rows], itself)
    usual = Usual(directions[rows], *_limit(own))

    def against(table: pa.Table, roles: Mapping[str, str]) -> Findings:
        theirs = matrix(table)
        assert theirs is not None
        far = own if table is train else distances(_directions(theirs), usual.directions)
        found = np.flatnonzero(far > usual.limit)
        found = found[np.argsort(-far[found], kind="stable")]
        others = "all other rows" if len(rows) == train.num_rows else f"{len(rows):,} other rows, drawn at random"
        reasons = [f"far from {others} (distance {far[row]:.2f}, usual is {usual.median:.2f})" for row in found]
        findings = about_rows(table, roles, rows=found.tolist(), reasons=reasons)
        return replace(findings, details=_details(table, roles, far=far, found=found)) if table is train else findings

    return against


def distances(directions: Array, others: Array, itself: Array | None = None) -> Array:
    """Mean cosine distance (0 to 2) to the nearest of the others; `itself` is each row's place among them, or -1."""
    import numpy as np

    found = np.empty(len(directions))
    number = min(NEIGHBOURS, len(others) - (itself is not None))
    for start in range(0, len(directions), BLOCK):
        near = directions[start : start + BLOCK] @ others.T
        if itself is not None:
            there = np.flatnonzero(itself[start : start + BLOCK] >= 0)
            near[there, itself[start : start + BLOCK][there]] = -np.inf
        nearest = np.partition(near, -number, axis=1)[:, -number:]
        found[start : start + BLOCK] = 1 - nearest.mean(axis=1)
    return np.maximum(found, 0)


def _directions(features: Array) -> Array:
    """Features of length 1; rows without features lie nowhere and are near to all."""
    import numpy as np

    features = np.nan_to_num(features, posinf=0, neginf=0).astype(np.float32)
    directions: Array = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return directions


def _limit(far: Array) -> tuple[float, float]:
    """Median and limit: so far above it lie the logarithms of few distances, whatever their spread."""
    import numpy as np

    logs = np.log(np.maximum(far, 1e-6))
    median = np.median(logs)
    spread = max(SIGMA * np.median(abs(logs - median)), 0.01)
    return float(np.exp(median)), float(np.exp(median + SPREADS * spread))


def _details(table: pa.Table, roles: Mapping[str, str], *, far: Array, found: Array) -> dict[str, Any]:
    from finetune.clean.survey.excerpts import excerpts

    shown = found[:NUM_EXAMPLES]
    rows = excerpts(table.drop_columns(["features"]).take(shown), roles)
    examples = [row | {"distance": round(float(far[place]), 4)} for row, place in zip(rows, shown, strict=True)]
    return {"strangers": {"checked": table.num_rows, "found": len(found), "examples": examples}}
