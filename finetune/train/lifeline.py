"""A socket from every process to the main one: whoever fails or dies takes the others along, and says why.

A collective operation does not tell that another process is gone: gloo raises an error of its own, which hides the
first one, and nccl may wait for ever, in a call that no signal interrupts. The operating system closes a dead process's
sockets at once, so an end without a word is known as soon as one with words.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from finetune.errors import FinetuneError, Interrupted, TrainingError

GRACE = 5.0  # seconds that a failed process is given to tell its error and end, before the others do
LEAVE = 1.0  # seconds that a process then has to end by itself
NEWS = 1.0  # seconds in which word of another's failure may still arrive before an error counts as one's own
DONE, FAILED = b"done", b"fail"  # of one length


@contextmanager
def held(process: int, processes: int, *, publish: Callable[[Any], Any]) -> Iterator[Lifeline]:
    """While entered, the processes live and die together; `publish` gives all of them the main one's value.

    An error of this process ends the others. After another's, this one leaves without a word of its own, or with the
    news that the other died.
    """
    line = Lifeline(process, _connections(process, processes, publish))
    try:
        yield line
    except KeyboardInterrupt:
        line.say(FAILED)
        raise SystemExit(Interrupted.exit_code) from None
    except Exception as error:
        first = line.lost(0 if process == 0 and isinstance(error, FinetuneError) else NEWS)
        if first is None:
            line.say(FAILED)
            raise
        if first:
            raise line.death(first) from None
        raise SystemExit(getattr(error, "exit_code", 1)) from None
    line.end()


class Lifeline:
    """This process's end of the sockets, by the number of the process at the other end."""

    def __init__(self, process: int, connections: dict[int, socket.socket]) -> None:
        self.process = process
        self.advice = ""  # what to do after a death: the command that resumes the run
        self._connections = connections
        self._first: str | None = None  # who died, empty for one that failed and says so itself
        self._known = threading.Event()
        self._lock = threading.Lock()
        # A loader's process would hold the sockets open that tell of this one's death.
        os.register_at_fork(after_in_child=self._let_go)
        for number, connection in connections.items():
            threading.Thread(target=self._listen, args=(number, connection), daemon=True).start()

    def lost(self, seconds: float) -> str | None:
        """Who was lost first: None if nobody within `seconds`, empty for one that failed, a name for one that died."""
        self._known.wait(seconds)
        return self._first

    def death(self, name: str) -> TrainingError:
        """The error for a process that ended without a word."""
        error = TrainingError("train", f"{name} was killed or ended without a word, and training ended with it. "
                                       "Look into the system's log; where memory ran out, lower train.micro_batch.")
        if self.advice:
            error.add_note(self.advice)
        return error

    def say(self, word: bytes) -> None:
        """The last word to every other process."""
        for connection in self._connections.values():
            with suppress(OSError):  # it may be gone already
                connection.sendall(word)

    def end(self) -> None:
        """Leave in peace: whatever happens to the others is no longer this one's concern."""
        with self._lock:
            self._known.set()
        self.say(DONE)

    def _let_go(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _listen(self, number: int, connection: socket.socket) -> None:
        word = _heard(connection)
        if word == DONE:
            return
        with self._lock:
            if self._known.is_set():
                return
            self._first = "" if word == FAILED else f"process {number}"
            self._known.set()
        self.say(FAILED)  # passed on by the main process, at the centre of the star
        # A launcher names the process that ends first as the cause: the failed one goes ahead.
        connection.settimeout(GRACE)
        _heard(connection)
        threading.Event().wait(LEAVE)
        # Still here: the main thread waits for the lost one, in a call that never returns.
        if self._first:
            error = self.death(self._first)
            print(error, *error.__notes__ if self.advice else (), sep="\n", file=sys.stderr, flush=True)
        os._exit(1)


def _connections(process: int, processes: int, publish: Callable[[Any], Any]) -> dict[int, socket.socket]:
    """A socket per other process for the main one, and one to the main process for the others."""
    if processes == 1:
        return {}
    if process == 0:
        with socket.create_server(("" if _several_machines() else "127.0.0.1", 0)) as server:
            token = secrets.token_hex(16)
            publish((server.getsockname()[1], token))
            return _accepted(server, token, processes - 1)
    port, token = publish(None)
    host = os.environ.get("MASTER_ADDR", "") if _several_machines() else "127.0.0.1"
    connection = socket.create_connection((host, port), timeout=60)
    connection.settimeout(None)
    connection.sendall(f"{token}{process:08d}".encode())
    return {0: connection}


def _accepted(server: socket.socket, token: str, count: int) -> dict[int, socket.socket]:
    """The other processes' sockets; whoever does not know the token is turned away."""
    server.settimeout(60)
    found: dict[int, socket.socket] = {}
    while len(found) < count:
        connection, _ = server.accept()
        connection.settimeout(60)
        greeting = connection.recv(len(token) + 8, socket.MSG_WAITALL).decode(errors="replace")
        if not secrets.compare_digest(greeting[:-8].encode(), token.encode()):
            connection.close()
            continue
        connection.settimeout(None)
        found[int(greeting[-8:])] = connection
    return found


def _several_machines() -> bool:
    return os.environ.get("LOCAL_WORLD_SIZE") != os.environ.get("WORLD_SIZE")


def _heard(connection: socket.socket) -> bytes:
    """The next word of the other end; nothing if it has ended, or said nothing in time."""
    try:
        return connection.recv(len(DONE), socket.MSG_WAITALL)
    except OSError:
        return b""
