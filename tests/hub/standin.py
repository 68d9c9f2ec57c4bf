"""A Hub on loopback: as much of its protocol as datasets, transformers, a pull and a push ask for, faults included."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Literal

from tests.hub.answers import Answers
from tests.hub.store import Store


@dataclass(frozen=True)
class Fault:
    """What happens to a request instead of its answer.

    `status` is answered at once. A cut ends the connection while the request is being read, while the answer is
    being written, or after everything was done and before a word of the answer.
    """

    status: int = 0
    retry_after: str | None = None
    cut: Literal["", "request", "done", "answer"] = ""


ANY_FAULT = (Fault(429, "0"), Fault(500), Fault(502), Fault(503), Fault(cut="request"), Fault(cut="done"), Fault(cut="answer"))


class Standin(ThreadingHTTPServer):
    """The server, what it holds, what it was asked, and what is to go wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.store = Store()
        self.asked: list[str] = []  # "METHOD /path", in order
        self.suffered: list[Fault] = []
        self._planned: list[tuple[re.Pattern[str], Fault]] = []
        self._random: random.Random | None = None
        self._share = 0.0
        self._choosing = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fail(self, request: str, fault: Fault, times: int = 1) -> None:
        """Let the next requests that match `METHOD /path` suffer a fault."""
        self._planned += [(re.compile(request), fault)] * times

    def shake(self, share: float, seed: int = 0) -> None:
        """Let this share of all requests suffer any fault, by a seeded random; 0 is calm again."""
        self._random, self._share = random.Random(seed) if share else None, share

    def fault(self, request: str) -> Fault:
        """What this request suffers; usually nothing."""
        with self._choosing:
            self.asked.append(request)
            chosen = next((entry for entry in self._planned if entry[0].search(request)), None)
            if chosen:
                self._planned.remove(chosen)
                self.suffered.append(chosen[1])
                return chosen[1]
            if self._random and self._random.random() < self._share:
                self.suffered.append(self._random.choice(ANY_FAULT))
                return self.suffered[-1]
        return Fault()


@contextmanager
def serving() -> Iterator[Standin]:
    """A running server; its `address` is for HF_ENDPOINT."""
    with Standin() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()
