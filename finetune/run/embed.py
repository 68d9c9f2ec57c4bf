"""Rows as a frozen backbone sees them, for rules that have to understand them, and whether that is worth its time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.clean import engine, label_errors
from finetune.clean.probe.embedded import beside
from finetune.errors import SpecError
from finetune.evaluate import advice
from finetune.metrics import balance
from finetune.spec import Epochs, Steps

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Loaded, Task
    from finetune.run.context import Run
    from finetune.spec import Length, Train

EMBEDDED = ("label", "labels", "number")  # kinds of target; other tasks may cut a row into windows
NOT_FOR = "rows are embedded only where a label, several, or a number is learnt. Leave it out."
MOST = 0.2  # of the time that training takes
ROWS = 64  # per forward pass
TRIED = 300  # rows that are embedded first, or a quarter of all where that is more


def embed(run: Run, splits: Mapping[str, pa.Table], *, source: str) -> ByBackbone | TriedFirst | ByPatches | None:
    """How the rows of this run are embedded; None where no rule asks for it, or it would take too long, which is said.

    A rule whose policy was set is carried out however long it takes; `finetune clean --deep` sets those of all.
    SpecError where rows of the task are never embedded.
    """
    task = run.recipe.task
    policies = {name: run.recipe.clean.get(name) for name in engine.embedding(task.roles)}
    asked = [name for name, policy in policies.items() if policy not in (None, "off")]
    if not is_for(task):
        if asked:
            raise SpecError([f"clean.{name}: {NOT_FOR}" for name in asked])
        return None
    if all(policy == "off" for policy in policies.values()):
        return None
    if not asked and splits["train"].num_rows < label_errors.MIN_ROWS:
        return None  # they would not be judged
    num_rows = sum(table.num_rows for table in splits.values())
    share = num_rows / _passes(run.recipe.train, splits) * run.launched()["processes"]
    if not asked and share > MOST:
        run.say(f"{' and '.join(policies)}: not looked for, since embedding {num_rows:,} rows would take about "
                f"{share:.0%} of the training time (at most {MOST:.0%} is spent); finetune clean {run.name} --deep "
                "does it")
        return None
    if _is_random(run, source):
        return ByPatches(run)
    seen = ByBackbone(run, source)
    return seen if asked or not _is_for_labels(run, splits["train"]) else TriedFirst(run, seen)


def is_for(task: Task) -> bool:
    """Whether rows of a task can be embedded."""
    return task.roles[task.target] in EMBEDDED


class TriedFirst:
    """A sample is embedded first: where a probe learns too little of its labels, it would of all rows as well.

    Then no row has features, and `why_not` says so.
    """

    def __init__(self, run: Run, see: ByBackbone) -> None:
        self._run, self._see = run, see
        self._is_first = True
        self.why_not = ""

    @property
    def said(self) -> str:
        """What the features are."""
        return self._see.said

    def __call__(self, rows: pa.Table) -> Array | None:
        """The features of every row; of the first table asked for, the training rows, a sample is tried first."""
        if not self._is_first:
            return None if self.why_not else self._see(rows)
        self._is_first = False
        number = max(TRIED, rows.num_rows // 4)
        drawn = np.sort(np.random.default_rng(self._run.recipe.seed).permutation(rows.num_rows)[:number])
        others = np.setdiff1d(np.arange(rows.num_rows), drawn)
        found = self._see(rows.take(drawn))
        self._judge(rows.take(drawn), found, num_rows=rows.num_rows)
        if self.why_not:
            return None
        features: Array = np.concatenate([found, self._see(rows.take(others))])
        return features[np.argsort(np.concatenate([drawn, others]))]

    def _judge(self, rows: pa.Table, features: Array, *, num_rows: int) -> None:
        known, at_best = label_errors.could_know(beside(rows, features), self._run.roles_in(rows), num_rows)
        if at_best < label_errors.MIN_SKILL:
            self.why_not = (f"a probe on {rows.num_rows:,} embedded rows learns too little of their labels (skill "
                            f"{known:.2f}; {label_errors.MIN_SKILL:g} is needed, which all {num_rows:,} would hardly "
                            "reach); so the other rows are not embedded, and strangers are not looked for; finetune "
                            f"clean {self._run.name} --deep does both")


class ByBackbone:
    """Features are what the frozen backbone makes of a row; it is loaded when the first rows are asked for."""

    def __init__(self, run: Run, source: str) -> None:
        self._run, self._source = run, source
        self._loaded: Loaded | None = None
        self.said = self.why_not = ""

    def __call__(self, rows: pa.Table) -> Array:
        """The pooled output for every row; texts of like length share a forward pass."""
        started = time.perf_counter()
        task = self._run.recipe.task
        if hasattr(task, "labels"):
            task = replace(task, labels=("0", "1"))  # type: ignore[type-var]  # a dataclass; no label is read
        if self._loaded is None:
            self._loaded = _load(self._run, task, sample=self._source == "sample")
        contents = rows.select([name for name in task.roles if name != task.target])
        order = np.argsort(_letters(contents, task), kind="stable")
        parts = [self._forward(task, contents.take(order[start : start + ROWS]).to_pylist())
                 for start in range(0, len(order), ROWS)]
        features = np.concatenate(parts)[np.argsort(order)] if parts else np.zeros((0, 1), np.float32)
        kind = "mean of the last hidden states" if "text" in task.roles.values() else "pooled output"
        self.said = f"{kind} of {self._loaded.name}, frozen"
        if len(order) == 0:
            return features
        self._run.say(f"{len(order):,} rows embedded by the frozen backbone {self._loaded.name} in "
                      f"{time.perf_counter() - started:.1f} s")
        return features

    def _forward(self, task: Task, rows: list[dict[str, Any]]) -> Array:
        from finetune.backbones import features
        from finetune.evaluate.infer import tensors

        assert self._loaded is not None
        processor = self._loaded.processor
        batch = tensors(task.collate(task.encode(rows, processor), processor), self._run.device())
        return features.pooled(self._loaded.model, batch.inputs)


class ByPatches:
    """Features that need no pretrained weights: pictures have some, texts none."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._filters: Any = None
        self.said = self.why_not = ""

    def __call__(self, rows: pa.Table) -> Array | None:
        """Answers of filters that are learnt from the rows asked for first, those of training."""
        from finetune.clean.probe import patches
        from finetune.data.images import open_small

        column = next((name for name, kind in self._run.recipe.task.roles.items() if kind == "image"), None)
        if column is None:
            self.said = "none: the backbone has random weights"
            return None
        side = (patches.SIDE, patches.SIDE)
        pictures = (open_small(cell, patches.SIDE).resize(side) for cell in rows[column].to_pylist())
        pixels = np.array([np.asarray(picture) for picture in pictures], np.uint8).reshape(-1, *side, 3)
        if self._filters is None:
            self._filters = patches.learn(pixels, seed=self._run.recipe.seed)
            self.said = "answers of learnt filters to small patches, since the backbone has random weights"
            self._run.say(f"features of the pictures: {self.said}")
        features: Array = self._filters.features(pixels)
        return features


def _is_for_labels(run: Run, train: pa.Table) -> bool:
    """Whether features serve wrong labels above all: uneven labels need them for advice on training as well."""
    task = run.recipe.task
    if task.roles[task.target] != "label" or run.recipe.clean.get("label_errors") is not None:
        return False
    counts = np.array([entry["counts"] for entry in train[task.target].value_counts().to_pylist()])
    return balance.ratio(counts) < advice.MIN_RATIO and train.num_rows >= 2 * TRIED


def _load(run: Run, task: Task, *, sample: bool) -> Loaded:
    """The backbone on the device; random numbers for its unused head are drawn aside."""
    import torch

    from finetune.backbones import resolve

    with torch.random.fork_rng():
        loaded = resolve.load(run.recipe.model, task.head, sample=sample)
    loaded.model.to(run.device())
    return loaded


def _letters(contents: pa.Table, task: Task) -> Array:
    """How long the texts of every row are; 0 where there are none."""
    import pyarrow.compute as pc

    lengths = np.zeros(contents.num_rows, dtype=np.int64)
    for name, kind in task.roles.items():
        if kind == "text":
            lengths += pc.fill_null(pc.utf8_length(contents[name]), 0).to_numpy()
    return lengths


def _passes(train: Train, splits: Mapping[str, pa.Table]) -> float:
    """What training costs in forward passes of one row: a backward pass counts for two, or one less per frozen side."""
    rows: int = splits["train"].num_rows
    held: int = splits["validation"].num_rows
    a_row = 1 if train.freeze == "backbone" else 2 if train.adapter is not None else 3
    seen = _rows(train.length, rows, train.batch)
    evaluations = seen / max(_rows(train.evaluate_every, rows, train.batch), 1)
    return a_row * seen + held * evaluations


def _rows(length: Length, rows: int, batch: int) -> float:
    if isinstance(length, Epochs):
        return length.n * rows
    return float(length.n * batch) if isinstance(length, Steps) else float(length.n)


def _is_random(run: Run, source: str) -> bool:
    model = run.recipe.model
    return model.random or (source == "sample" and model.sample is not None)
