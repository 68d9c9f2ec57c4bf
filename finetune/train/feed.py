"""What one process computes, step by step: micro-batches as a pure function of (seed, epoch, step)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Generator
from torch.utils.data import DataLoader, Dataset

from finetune.data import order
from finetune.machine import cores
from finetune.train.step import MicroBatch

if TYPE_CHECKING:
    from finetune.contracts import Array, Example
    from finetune.data.examples import Examples


@dataclass(frozen=True, slots=True)
class Feed:
    """The training rows as this process sees them."""

    examples: Examples
    lengths: Array
    batch: int
    micro_batch: int
    seed: int
    process: int
    processes: int
    even: Array | None = None  # targets of the rows, where every label is to come equally often

    def epoch(self, epoch: int, *, skip: int = 0) -> Iterator[list[MicroBatch]]:
        """The micro-batches of every step of an epoch, from step `skip` on."""
        batches = order.batches(self.lengths, batch=self.batch, seed=self.seed, epoch=epoch,
                                even=self.even)[skip:]
        steps = [[micro[self.process] for micro in order.pieces(rows, micro_batch=self.micro_batch,
                                                                processes=self.processes)] for rows in batches]
        collated = iter(self._loader([piece.rows for step in steps for piece in step], epoch))
        for step in steps:
            yield [MicroBatch(next(collated), piece.real) for piece in step]

    def _loader(self, parts: list[tuple[int, ...]], epoch: int) -> Any:
        task, processor = self.examples.task, self.examples.processor
        # A generator of its own: the loader draws a seed whenever it is started, and a run that was resumed within an
        # epoch starts it once more than one that was not.
        return DataLoader(_Augmented(self.examples, self.seed, epoch), batch_sampler=parts, num_workers=self.workers,
                          collate_fn=lambda examples: task.collate(examples, processor), generator=Generator())

    @property
    def workers(self) -> int:
        """Loader processes: none for texts, which are encoded once, nor where there are no cores to spare."""
        spare = cores() // self.processes - 2
        return 0 if "text" in self.examples.task.roles.values() else max(0, min(8, spare))


class _Augmented(Dataset):  # type: ignore[misc]  # torch is not seen by the type checker
    def __init__(self, examples: Examples, seed: int, epoch: int) -> None:
        self.examples, self.seed, self.epoch = examples, seed, epoch

    def __getitem__(self, position: int) -> Example:
        return self.examples.augmented(position, seed=self.seed, epoch=self.epoch)
