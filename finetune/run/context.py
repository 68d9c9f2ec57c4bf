"""What every stage is handed: the recipe, its run folder, the backbone's place, and a voice."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from finetune.contracts import SPLIT_ROLES

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from finetune.contracts import Task
    from finetune.data.examples import Examples
    from finetune.run.folder import RunFolder
    from finetune.spec import Recipe


def devices() -> str:
    """The devices that torch sees besides the CPU."""
    import torch

    if not torch.accelerator.is_available():
        return "none"
    return f"{torch.accelerator.device_count()} x {torch.accelerator.current_accelerator()}"


@dataclass(frozen=True, slots=True)
class Run:
    """One run in the making."""

    name: str
    recipe: Recipe
    folder: RunFolder
    console: Console
    shows_findings: bool = False  # whether the verb shows what cleaning found, so that the stage need not

    def say(self, text: str) -> None:
        """One line of what happens; on a terminal it is broken between words, and its rest is indented."""
        if self.console.is_terminal:
            text = textwrap.fill(text, max(40, self.console.width - 2), subsequent_indent="      ",
                                 break_long_words=False, break_on_hyphens=False)
        self.console.print(f"  {text}", highlight=False, markup=False, soft_wrap=True)

    def has_accelerator(self) -> bool:
        """Whether torch sees a device other than the CPU, and may use it."""
        from finetune.train import world

        return world.has_accelerator()

    def device(self) -> Any:
        """The accelerator where there is one, else the CPU."""
        import torch

        return torch.accelerator.current_accelerator() if self.has_accelerator() else torch.device("cpu")

    def launched(self) -> dict[str, Any]:
        """The profile and the number of processes with which this run trains."""
        kept: dict[str, Any] = {"profile": None, "processes": 1}
        return self.folder.read("launch.json") if (self.folder.path / "launch.json").is_file() else kept

    def roles_in(self, rows: pa.Table) -> dict[str, str]:
        """The task's roles, and group and time where these rows have them."""
        return {**self.recipe.task.roles, **{role: kind for role, kind in SPLIT_ROLES.items()
                                             if role in rows.column_names}}

    def again(self) -> str:
        """The command that goes on with this run: its training with as many processes as it was started with."""
        launched = self.launched()
        if launched["processes"] == 1 or self.folder.next_stage not in ("prepare", "train"):
            return f"finetune run {self.name} --resume {self.folder.path}"
        return (f"finetune launch {self.name} --profile {launched['profile']} --processes {launched['processes']} "
                f"--resume {self.folder.path}")

    def micro_batch(self, processes: int) -> int:
        """Rows that a process takes at once."""
        settings = self.recipe.train
        share = -(-settings.batch // processes)
        return min(32, share) if settings.micro_batch == "auto" else min(settings.micro_batch, share)

    def task(self) -> Task:
        """The recipe's task with what it learnt from this run's rows."""
        from finetune import saved

        learnt = saved.tuples(self.folder.read("data/source.json")["learnt"])
        return replace(self.recipe.task, **learnt)  # type: ignore[type-var]  # every task is a dataclass

    def saved(self) -> tuple[Task, Any, str]:
        """Task, processor and family of the fine-tuned model."""
        from finetune import saved

        return saved.read(self.folder.path / "model")

    def examples(self, split: str, task: Task, processor: Any) -> Examples:
        """The cleaned rows of a split, encoded for a task."""
        from finetune.data.examples import Examples

        return Examples(self.folder.table(split), task, processor)
