"""Event files for TensorBoard in the folder of a run: `tensorboard --logdir runs` shows all runs beside each other."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def installed() -> bool:
    """Whether event files can be written here."""
    return importlib.util.find_spec("tensorboard") is not None


class TensorBoard:
    """Loss, rate, gradient norm and speed of every step, loss and scores of every evaluation.

    Written record by record, not through torch.utils.tensorboard: a step is one event instead of four, the name of the
    file holds no host name, and a full disk is an error here and not in a thread of somebody else's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records: Any = None

    def on_start(self, plan: Mapping[str, Any]) -> None:
        """Open a new file; steps that an interrupted run wrote beyond its checkpoint are void from here on."""
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        self.folder.mkdir(exist_ok=True)
        # TensorBoard knows its files by this name and reads them in its order.
        file = self.folder / f"events.out.tfevents.{len(list(self.folder.iterdir())):05d}"
        self._records = RecordWriter(file.open("xb", buffering=0))
        self._add(0, file_version="brain.Event:2")
        self._add(plan["step"] + 1, session_log=SessionLog(status=SessionLog.START))

    def on_step(self, event: Mapping[str, Any]) -> None:
        """The numbers of a step."""
        self._scalars(event["step"], {f"train/{name}": event[name]
                                      for name in ("loss", "lr", "grad_norm", "rows_per_second")})

    def on_eval(self, event: Mapping[str, Any]) -> None:
        """The loss and every score."""
        scores = {"loss": event["loss"], **event["scores"]}
        self._scalars(event["step"], {f"validation/{name}": value for name, value in scores.items()})

    def on_save(self, event: Mapping[str, Any]) -> None:
        """Nothing: every event is on disk at once."""

    def on_end(self, event: Mapping[str, Any]) -> None:  # noqa: ARG002  # as the protocol has it
        """Close the file."""
        self._records.close()

    def _scalars(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        parts = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._add(step, summary=Summary(value=parts))

    def _add(self, step: int, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._records.write(Event(step=step, wall_time=time.time(), **content).SerializeToString())
