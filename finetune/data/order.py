"""The order in which rows are seen: a pure function of (seed, epoch), so that resuming needs only a step number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array

WINDOW = 24  # batches sorted by length together: long enough to save padding, short enough to stay random


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows of one micro-batch on one process; `real` is False for a row that only keeps the processes in step."""

    rows: tuple[int, ...]
    real: bool = True


def batches(lengths: Array, *, batch: int, seed: int, epoch: int, even: Array | None = None) -> list[Array]:
    """All rows exactly once, in batches of like length; the last batch of the epoch may be short.

    `lengths` is what each row costs. Rows are shuffled, sorted by length within windows of batches, and the
    batches shuffled, so that padding is rare while every epoch mixes rows anew. With the targets of the rows as
    `even` an epoch has as many rows, but of every label equally many.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths)) if even is None else _evenly(even, random)
    window = batch * WINDOW
    cut: list[Array] = []
    for start in range(0, len(order), window):
        part = order[start : start + window]
        part = part[np.argsort(lengths[part], kind="stable")]
        cut += [part[i : i + batch] for i in range(0, len(part), batch)]
    full = [rows for rows in cut if len(rows) == batch]
    short = [rows for rows in cut if len(rows) < batch]
    return [full[i] for i in random.permutation(len(full))] + short


def _evenly(targets: Array, random: np.random.Generator) -> Array:
    """As many positions as rows, every label equally often; no row of a label comes again before all have come."""
    found, counts = np.unique(targets, return_counts=True)
    wanted = np.full(len(found), len(targets) // len(found))
    wanted[random.permutation(len(found))[: len(targets) % len(found)]] += 1
    drawn: list[Array] = []
    for target, count, num_wanted in zip(found, counts, wanted, strict=True):
        rows = np.flatnonzero(targets == target)
        rounds = [random.permutation(rows) for _ in range(-(-num_wanted // count))]
        drawn += [np.concatenate(rounds)[:num_wanted]] if rounds else []
    return random.permutation(np.concatenate(drawn))


def pieces(rows: Array, *, micro_batch: int, processes: int) -> list[list[Piece]]:
    """One batch cut into micro-batches of at most `micro_batch` rows for each process: `[micro][process]`.

    Rows are dealt as evenly as possible; a process without rows gets one that is not real, since every process
    must take part in every backward pass.
    """
    num_micro = -(-len(rows) // (micro_batch * processes))
    parts = np.array_split(rows, num_micro * processes)
    found = [Piece(tuple(map(int, part))) if len(part) else Piece((int(rows[0]),), real=False) for part in parts]
    return [found[i : i + processes] for i in range(0, len(found), processes)]
