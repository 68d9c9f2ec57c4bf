"""Ctrl-C and SIGTERM as a flag that the loop reads between steps, so that a checkpoint can be kept."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any


class Interrupt:
    """While entered, the first signal sets `requested`; a second Ctrl-C acts at once, and so does any `at_once`.

    A KeyboardInterrupt alone can be lost: Python swallows it inside callbacks and destructors. The flag stays.
    """

    def __init__(self, *, at_once: bool = False) -> None:
        self.requested = False
        self.at_once = at_once
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # signal's
        again = self.requested and number == signal.SIGINT
        self.requested = True
        if self.at_once or again:
            raise KeyboardInterrupt
