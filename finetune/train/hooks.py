"""What looks on while a model trains: the log file and the console."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_LINES = 10  # lines per run where there is no terminal, besides one per evaluation


class LogFile:
    """`log.jsonl`: one line per step and per evaluation; a resumed run drops the lines after its checkpoint."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def on_start(self, plan: Mapping[str, Any]) -> None:
        """Keep the lines up to the step at which training goes on."""
        lines = self.file.read_text().splitlines() if self.file.is_file() else []
        kept = [line for line in lines if _step_of(line) <= plan["step"]]
        self.file.write_text("".join(f"{line}\n" for line in kept))

    def on_step(self, event: Mapping[str, Any]) -> None:
        """One line."""
        self._add({"event": "step"} | dict(event))

    def on_eval(self, event: Mapping[str, Any]) -> None:
        """One line."""
        self._add({"event": "eval"} | dict(event))

    def on_save(self, event: Mapping[str, Any]) -> None:
        """Nothing: a checkpoint speaks for itself."""

    def on_end(self, event: Mapping[str, Any]) -> None:
        """Nothing."""

    def _add(self, line: Mapping[str, Any]) -> None:
        with self.file.open("a") as opened:
            opened.write(json.dumps(line) + "\n")


def _step_of(line: str) -> float:
    """The step that a line tells of; a torn line counts as later than any, so that it is dropped."""
    try:
        return float(json.loads(line)["step"])
    except ValueError:
        return math.inf


class ConsoleLines:
    """A progress bar on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.num_steps = 0
        self.bar: Progress | None = None
        self.bar_task: Any = None

    def on_start(self, plan: Mapping[str, Any]) -> None:
        """Show what is planned."""
        self.num_steps = plan["num_steps"]
        if self.console.is_terminal:
            self.bar = Progress(TextColumn("  training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                                TextColumn("{task.description}"), console=self.console, transient=True)
            self.bar.start()
            self.bar_task = self.bar.add_task("", total=self.num_steps, completed=plan["step"])

    def on_step(self, event: Mapping[str, Any]) -> None:
        """Move the bar, or print one of a few lines."""
        text = f"loss {event['loss']:.4f}  {event['rows_per_second']:,.0f} rows/s"
        if self.bar:
            self.bar.update(self.bar_task, completed=event["step"], description=text)
        elif event["step"] % math.ceil(self.num_steps / PLAIN_LINES) == 0:
            self.console.print(f"  step {event['step']:,} of {self.num_steps:,}  epoch {event['epoch']:.2f}  {text}")

    def on_eval(self, event: Mapping[str, Any]) -> None:
        """One line with the scores."""
        scores = "  ".join(f"{name} {value:.4f}" for name, value in event["scores"].items() if name in event["shown"])
        mark = "  best so far" if event["best"] else ""
        self.console.print(f"  epoch {event['epoch']:.2f}  validation loss {event['loss']:.4f}  {scores}{mark}")

    def on_save(self, event: Mapping[str, Any]) -> None:
        """Nothing: every evaluation saves."""

    def on_end(self, event: Mapping[str, Any]) -> None:  # noqa: ARG002  # as the protocol has it
        """Take the bar away."""
        if self.bar:
            self.bar.stop()
