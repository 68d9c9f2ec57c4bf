"""Addresses on this machine that answer, refuse, or never say a word; and a process of its own to ask them from."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def listening() -> Iterator[int]:
    """A port that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def silent() -> Iterator[int]:
    """A port whose queue of connections is full: the kernel drops what arrives, as a firewall does."""
    with ExitStack() as held:
        server = held.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(8):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def closed() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment(**values: str) -> dict[str, str]:
    """The variables of this process without those that decide about the Hub, and with `values`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return kept | values
