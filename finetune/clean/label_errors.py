"""Labels that are probably wrong: a probe on frozen features of the other rows says something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from finetune.clean.label_text import label_column
from finetune.clean.probe.embedded import matrix
from finetune.contracts import Findings

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

order = 80  # last: what was dropped need not be embedded
kinds: tuple[str, ...] = ("label", "features")
# Not repaired by itself: the suggestion is that of a probe which the backbone, once trained, should surpass.
default = "report"
policies: tuple[str, ...] = ("off", "report", "drop", "fail")

SEED = 13  # of the folds
NUM_FOLDS = 5
MIN_ROWS = 100  # below, a probe knows too little
MIN_COPIES = 2 * NUM_FOLDS  # rows of a label that are no copies of each other: with fewer its rows are not judged
# Share of what the most frequent label leaves open that the probe must tell. Below it most of what it calls wrong is
# its own error: of its findings on CIFAR-10N, of which it knew 0.49, one in five was true, and a model without these
# rows was worse; on TREC, of which it knew 0.66, one in two was, and the model better (benchmarks/label_truth.py).
MIN_SKILL = 0.5
# What ten times the rows add to what a probe knows, at most: 0.33 on the reviews sample, from 300 rows to 976, and 0.20
# on TREC, from 300 to 3,000.
GAIN = 0.35
NUM_EXAMPLES = 24


@dataclass(frozen=True, slots=True)
class Suspects:
    """Rows of one table whose labels are doubted, those least believed first; all arrays are parallel."""

    rows: Array
    suggestions: Array  # ids
    own: Array  # probability of the label given
    other: Array  # probability of the suggestion
    noise: Array  # estimated share of wrong labels by label
    num_judged: Array  # rows by label


def find(table: pa.Table, roles: Mapping[str, str]) -> Findings:
    """Rows of one table whose label the others contradict."""
    return learn(table, roles)(table, roles)


def learn(train: pa.Table, roles: Mapping[str, str]) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    """The rule for every split: training rows by probes that have not seen them, others by one that saw all of them.

    Which labels are wrong is told by confident learning (see `probe/confident.py`). Labels of few rows, rows without
    features and sets of which the probe knows too little are not judged, and `details` says so.
    """
    import numpy as np

    from finetune.clean.probe import linear

    column = label_column(roles)
    assert column is not None
    names = np.array(sorted(set(train[column].to_pylist()) - {None}))
    asked = _asked(train, roles, column=column, names=names)
    if isinstance(asked, str):
        return _unjudged(asked)
    features, targets, rows, probabilities = asked
    known = skill(targets, probabilities)
    if known < MIN_SKILL:
        return _unjudged(f"a probe on the features learns too little of the labels (skill {known:.2f}; "
                         f"{MIN_SKILL:g} is needed)")
    own = _suspects(rows, targets, probabilities)
    whole: list[Any] = []  # the probe for other splits, fitted when the first is asked for

    def against(table: pa.Table, roles: Mapping[str, str]) -> Findings:
        if table is train:
            details = {"suspects": _details(train, own, roles, column=column, names=names)}
            return replace(_findings(train, own, column=column, names=names), details=details)
        if not whole:
            whole.append(linear.fit(features, targets, num_labels=len(names)))
        theirs, labels = matrix(table), _targets(table, column, names=names)
        assert theirs is not None
        places = np.flatnonzero(np.isfinite(theirs).all(axis=1) & np.isin(labels, targets))
        if not len(places):
            return Findings()
        doubted = _suspects(places, labels[places], whole[0].probabilities(theirs[places]))
        return _findings(table, doubted, column=column, names=names)

    return against


def could_know(some: pa.Table, roles: Mapping[str, str], num_rows: int) -> tuple[float, float]:
    """A probe's skill on some rows with features, and at best on `num_rows`; at best 1 where that cannot be told."""
    import numpy as np

    column = label_column(roles)
    assert column is not None
    names = np.array(sorted(set(some[column].to_pylist()) - {None}))
    asked = _asked(some, roles, column=column, names=names)
    if isinstance(asked, str):
        return 0.0, 1.0
    _, targets, rows, probabilities = asked
    known, right = skill(targets, probabilities), (probabilities.argmax(axis=1) == targets).mean()
    error = np.sqrt(right * (1 - right) / len(rows)) / (1 - np.bincount(targets).max() / len(rows))
    return known, float(known + 2 * error + GAIN * np.log10(num_rows / len(rows)))


def _asked(train: pa.Table, roles: Mapping[str, str], *, column: str,
           names: Array) -> str | tuple[Array, Array, Array, Array]:
    """Features, targets, positions and out-of-sample probabilities of the rows that are judged; or why none is."""
    import numpy as np

    from finetune.clean.probe import linear

    features, targets = matrix(train), _targets(train, column, names=names)
    if features is None:
        return "these rows have no features that could be used"
    judged = _judged(features, targets)
    if judged.any():
        groups = _groups(train, roles, judged)
        judged &= _in_groups(targets, groups)
    if len(np.unique(targets[judged])) < 2 or judged.sum() < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows of labels with {MIN_COPIES} rows or more"
    rows = np.flatnonzero(judged)
    found = linear.out_of_sample(features[rows], targets[rows], groups[rows], num_labels=len(names), seed=SEED,
                                 folds=NUM_FOLDS)
    return features[rows], targets[rows], rows, found


def _unjudged(why: str) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
    details = {"suspects": {"checked": 0, "found": 0, "by_label": {}, "examples": [], "not_judged": why}}
    return lambda table, roles: Findings(details=details)  # noqa: ARG005  # as find has it


def _groups(train: pa.Table, roles: Mapping[str, str], judged: Array) -> Array:
    """What stays in one fold, by number: copies, near copies and rows of one group; who has seen one knows them all."""
    import numpy as np

    from finetune.clean.near.pairs import whole_keys

    groups = np.full(len(judged), -1)
    groups[judged] = np.unique(whole_keys(train.take(np.flatnonzero(judged)), roles), return_inverse=True)[1]
    return groups


def _in_groups(targets: Array, groups: Array) -> Array:
    """Rows whose label has a group for every fold, so that no probe is asked for a label that it has never seen."""
    import numpy as np

    labels = np.unique(np.stack([targets, groups])[:, groups >= 0], axis=1)[0]
    enough: Array = (groups >= 0) & (np.bincount(labels, minlength=targets.max() + 1) >= NUM_FOLDS)[targets]
    return enough


def _targets(table: pa.Table, column: str, *, names: Array) -> Array:
    """Ids of the labels; -1 for what no training row is labelled."""
    import numpy as np

    known = {name: place for place, name in enumerate(names.tolist())}
    return np.array([known.get(label, -1) for label in table[column].to_pylist()], dtype=np.int64)


def _judged(features: Array, targets: Array) -> Array:
    """Rows with features and enough rows of their label."""
    import numpy as np

    finite = np.isfinite(features).all(axis=1) & (targets >= 0)
    enough = np.bincount(targets[finite], minlength=max(1, targets.max(initial=0) + 1)) >= MIN_COPIES
    judged: Array = finite & enough[targets]
    return judged


def skill(targets: Array, probabilities: Array) -> float:
    """Accuracy between that of the most frequent label (0) and 1; the chance-corrected kappa of that guess."""
    import numpy as np

    usual = np.bincount(targets).max() / len(targets)
    return float(((probabilities.argmax(axis=1) == targets).mean() - usual) / max(1 - usual, 1e-9))


def _suspects(rows: Array, targets: Array, probabilities: Array) -> Suspects:
    import numpy as np

    from finetune.clean.probe import confident

    joint = confident.joint(targets, probabilities)
    wrong = np.flatnonzero(confident.issues(targets, probabilities, joint))
    own = probabilities[wrong, targets[wrong]]
    order = np.argsort(own, kind="stable")
    wrong, own = wrong[order], own[order]
    others = probabilities[wrong].copy()
    others[np.arange(len(wrong)), targets[wrong]] = -1
    return Suspects(rows[wrong], others.argmax(axis=1), own, others.max(axis=1, initial=0), confident.noise(joint),
                    np.bincount(targets, minlength=len(joint)))


def _findings(table: pa.Table, found: Suspects, *, column: str, names: Array) -> Findings:
    """In order of doubt: before is the label given, after the one suggested."""
    if not len(found.rows):
        return Findings()
    labels = table[column].take(found.rows).to_pylist()
    suggested = names[found.suggestions].tolist()
    reasons = [f"labelled {label!r}, but rows like it are {other!r} (confidence {1 - own:.2f})"
               for label, other, own in zip(labels, suggested, found.own.tolist(), strict=True)]
    return Findings(tuple(found.rows.tolist()), (column,) * len(labels), tuple(reasons), tuple(labels),
                    tuple(suggested), confidence=tuple((1 - found.own).round(4).tolist()))


def _details(table: pa.Table, found: Suspects, roles: Mapping[str, str], *, column: str,
             names: Array) -> dict[str, Any]:
    """What the quality report shows: sums by label, and the most doubtful rows."""
    import numpy as np

    from finetune.clean.survey.excerpts import excerpts

    labels = np.array(table[column].take(found.rows).to_pylist(), dtype=object)
    shown = found.rows[:NUM_EXAMPLES]
    rows = excerpts(table.drop_columns(["features"]).take(shown), roles)
    examples = [row | {"label": label, "suggestion": str(names[other]), "confidence": round(1 - own, 4)}
                for row, label, other, own in zip(rows, labels, found.suggestions.tolist(), found.own.tolist(),
                                                  strict=False)]
    by_label = {str(name): {"rows": int(number), "suspected": int((labels == name).sum()), "noise": round(noise, 4)}
                for name, number, noise in zip(names, found.num_judged, found.noise.tolist(), strict=True) if number}
    return {"checked": int(found.num_judged.sum()), "found": len(found.rows), "by_label": by_label,
            "examples": examples}
