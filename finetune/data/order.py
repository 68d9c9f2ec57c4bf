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


def batches(lengths: Array, *, batch: int, seed: int, epoch: int) -> list[Array]:
    """All rows exactly once, in batches of like length; the last batch of the epoch may be short.

    `lengths` is what each row costs. Rows are shuffled, sorted by length within windows of batches, and the
    batches shuffled, so that padding is rare while every epoch mixes rows anew.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths))
    window = batch * WINDOW
    cut: list[Array] = []
    for start in range(0, len(order), window):
        part = order[start : start + window]
        part = part[np.argsort(lengths[part], kind="stable")]
        cut += [part[i : i + batch] for i in range(0, len(part), batch)]
    full = [rows for rows in cut if len(rows) == batch]
    short = [rows for rows in cut if len(rows) < batch]
    return [full[i] for i in random.permutation(len(full))] + short


def pieces(rows: Array, *, micro_batch: int, processes: int) -> list[list[Piece]]:
    """One batch cut into micro-batches of at most `micro_batch` rows for each process: `[micro][process]`.

    Rows are dealt as evenly as possible; a process without rows gets one that is not real, since every process
    must take part in every backward pass.
    """
    num_micro = -(-len(rows) // (micro_batch * processes))
    parts = np.array_split(rows, num_micro * processes)
    found = [Piece(tuple(map(int, part))) if len(part) else Piece((int(rows[0]),), real=False) for part in parts]
    return [found[i : i + processes] for i in range(0, len(found), processes)]
