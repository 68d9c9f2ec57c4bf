"""What the first stage tells of uneven labels: how uneven they are, and what on frozen features makes up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.clean.near import pairs
from finetune.evaluate import advice
from finetune.metrics import balance

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array
    from finetune.run.context import Run


def entry(run: Run, train: pa.Table, features: Array | None) -> dict[str, Any]:
    """The entry `balance` of `data/quality.json` for cleaned training rows, with lines where they are uneven.

    Advice is given where there are features, one line of numbers a row; rows that have none are left out.
    """
    names, targets = np.unique(train["label"].to_pylist(), return_inverse=True)
    counts = np.bincount(targets)
    ratio, effective = balance.ratio(counts), balance.effective_labels(counts)
    found: dict[str, Any] = {"counts": dict(zip(names.tolist(), counts.tolist(), strict=True)), "ratio": ratio,
                             "effective": effective, "advice": None}
    if ratio < advice.MIN_RATIO:
        return found
    most, least = str(names[counts.argmax()]), str(names[counts.argmin()])
    run.say(f"labels are uneven: {counts.max():,} training rows of {most!r}, {counts.min():,} of {least!r}; "
            f"as varied as {effective:.1f} labels of equal size")
    if features is None:
        return found
    return found | {"advice": _advice(run, train, features, targets=targets).as_json()}


def _advice(run: Run, train: pa.Table, features: Array, *, targets: Array) -> advice.Advice:
    """What is tried on some of the rows, in which copies, near copies and rows of one group stay together."""
    num_labels, seed = int(targets.max()) + 1, run.recipe.seed
    known = np.flatnonzero(np.isfinite(features).all(axis=1))
    rows = known[advice.subset(targets[known], num_labels=num_labels, seed=seed)]
    groups = np.asarray(pairs.whole_keys(train.take(rows), run.roles_in(train)))
    found = advice.advise(features[rows], targets[rows], groups, num_labels=num_labels, seed=seed)
    take = f"To take it: {found.recommended.setting}" if found.recommended else f"Keep {found.tried[0].setting}"
    run.say(f"tried on frozen features of {found.num_rows:,} rows: {found.reason}. {take}")
    return found
