"""Signals as a flag."""

from __future__ import annotations

import os
import signal

import pytest

from finetune.train.interrupt import Interrupt

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in SIGNALS]


def test_nothing_is_requested_without_a_signal() -> None:
    with Interrupt() as interrupt:
        assert interrupt.requested is False
    assert interrupt.requested is False


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_flag_and_the_work_goes_on(number: signal.Signals) -> None:
    done = []
    with Interrupt() as interrupt:
        os.kill(os.getpid(), number)
        done.append("work after the signal")
    assert (interrupt.requested, done) == (True, ["work after the signal"])


def test_handlers_are_as_before_afterwards() -> None:
    before = handlers()
    with Interrupt():
        assert all(found != old for found, old in zip(handlers(), before, strict=True))
    assert handlers() == before


def test_handlers_are_as_before_after_an_error() -> None:
    before = handlers()
    with pytest.raises(ZeroDivisionError), Interrupt():
        raise ZeroDivisionError
    assert handlers() == before


@pytest.mark.parametrize("first", SIGNALS)
def test_a_second_ctrl_c_acts_at_once(first: signal.Signals) -> None:
    before = handlers()
    with pytest.raises(KeyboardInterrupt), Interrupt() as interrupt:
        os.kill(os.getpid(), first)
        assert interrupt.requested
        os.kill(os.getpid(), signal.SIGINT)
    assert handlers() == before


def test_a_second_sigterm_waits_like_the_first() -> None:
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupt.requested


def test_at_once_the_first_signal_raises() -> None:
    with Interrupt(at_once=True) as interrupt, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupt.requested


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_python_swallows_is_remembered() -> None:
    class Swallowing:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)  # its KeyboardInterrupt is printed and ignored

    with Interrupt(at_once=True) as interrupt:
        Swallowing()
        assert interrupt.requested
