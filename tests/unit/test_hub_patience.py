"""What is tried again, and what is told at once."""

from __future__ import annotations

import pytest

from finetune.errors import HubError
from finetune.hub.patience import Patience, patiently

QUICK = Patience(attempts=3, first_wait_s=0.001)


def outcome(*steps: Exception | str) -> tuple[str, list[str]]:
    """What comes of an action that does one of these at each attempt, and what was said meanwhile."""
    waiting, said = list(steps), list[str]()

    def act() -> str:
        step = waiting.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    try:
        found = patiently(act, "push: me/x", say=said.append, patience=QUICK)
    except HubError as error:
        found = str(error)
    assert not waiting
    return found, said


def test_broken_line_is_tried_again_and_announced() -> None:
    assert outcome(ConnectionError("reset"), "done") == ("done", ["the connection failed (reset); attempt 2 of 3 in 0.001 s"])


def test_upload_s_own_error_is_told_by_its_reason() -> None:
    outer = RuntimeError("Error while uploading")
    outer.__cause__ = ConnectionResetError("reset by peer")
    assert outcome(outer, outer, "done")[1][1] == "the connection failed (reset by peer); attempt 3 of 3 in 0.002 s"


def test_last_failure_says_what_the_remote_may_hold() -> None:
    found, said = outcome(*[TimeoutError("no answer")] * 3)
    assert found == ("push: me/x: the connection failed (no answer). The remote is unchanged, or holds the whole push. Push again when "
                     "the line is better; what was uploaded need not be sent again.")
    assert len(said) == 2


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file", "model.onnx"), ValueError("malformed")])
def test_fault_that_is_not_the_line_s_is_not_tried_again(error: Exception) -> None:
    found, said = outcome(error)
    assert found.startswith("push: me/x: it failed (") and said == []


def test_our_own_refusal_passes_through() -> None:
    assert outcome(HubError("push: me/x", "no. Do that.")) == ("push: me/x: no. Do that.", [])
