"""What the machine can reach and what is installed on it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from finetune import machine
from finetune.machine import hub_reachable
from tests.unit import loopback


@pytest.fixture(autouse=True)
def forgotten_probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The answer about the Hub is kept for the life of a process; these tests change it."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    hub_reachable.cache_clear()
    yield
    hub_reachable.cache_clear()


@pytest.mark.parametrize("value", ["1", "true", "TRUE", "yes", "on"])
def test_offline_variable_is_believed_without_asking(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    with loopback.listening() as port:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        assert hub_reachable() is False


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_offline_variable_that_says_no_changes_nothing(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    with loopback.listening() as port:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        assert hub_reachable() is True


@pytest.mark.parametrize("path", ["", "/", "/mirror"])
def test_endpoint_that_listens_is_reachable(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    with loopback.listening() as port:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}{path}")
        assert hub_reachable() is True


def test_endpoint_that_refuses_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{loopback.closed()}")
    started = time.perf_counter()
    assert hub_reachable() is False
    assert time.perf_counter() - started < 1


def test_name_that_does_not_exist_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://no-such-host.invalid")
    assert hub_reachable() is False


def test_silent_addresses_take_three_seconds_together(monkeypatch: pytest.MonkeyPatch) -> None:
    with loopback.silent() as port:
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 4)
        monkeypatch.setenv("HF_ENDPOINT", "https://many-addresses.invalid")
        started = time.perf_counter()
        assert hub_reachable() is False
        assert 2.5 < time.perf_counter() - started < 3.5


def test_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with loopback.listening() as port:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        assert hub_reachable() is True
    assert hub_reachable() is True


def test_cores_are_those_of_this_process() -> None:
    assert machine.cores() == len(os.sched_getaffinity(0))


def test_description_can_be_written_as_json() -> None:
    found = machine.describe()
    assert list(found) == ["cpu", "cores", "memory_gib", "flags", "python"]
    assert found["cpu"]
    assert found["memory_gib"] > 0
    assert set(found["flags"]) <= set(machine.FLAGS)


def test_versions_are_those_of_the_installed_packages() -> None:
    found = machine.versions()
    assert found["numpy"] == metadata.version("numpy")
    assert found["scikit-learn"] == metadata.version("scikit-learn")
    assert set(found) <= {"finetune", *machine.PACKAGES}


def test_there_is_no_commit_outside_of_a_working_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert machine.commit() is None


def test_proxy_is_asked_where_one_is_set_and_not_bypassed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    with loopback.listening() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        assert hub_reachable()
        hub_reachable.cache_clear()
        monkeypatch.setenv("no_proxy", "hub.invalid")
        assert not hub_reachable()
