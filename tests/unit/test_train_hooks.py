"""The log file and the console."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from finetune.train.hooks import ConsoleLines, LogFile

EVALUATION = {"step": 3, "epoch": 1.5, "loss": 0.25, "scores": {"accuracy": 0.75, "f1_macro": 0.5},
              "shown": ["accuracy"], "best": True}


def step(number: int) -> dict[str, Any]:
    return {"step": number, "epoch": number / 2, "loss": 1 / number, "lr": 1e-3, "grad_norm": 0.5, "rows": 32, "rows_per_second": 1234.5}


def log(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def written(tmp_path: Path) -> LogFile:
    """A log of three steps and an evaluation after each."""
    made = LogFile(tmp_path / "log.jsonl")
    made.on_start({"step": 0, "num_steps": 3})
    for number in (1, 2, 3):
        made.on_step(step(number))
        made.on_eval(EVALUATION | {"step": number})
    return made


def resumed(file: Path, at: int) -> list[tuple[str, int]]:
    """What is left of the log when training goes on after step `at`."""
    LogFile(file).on_start({"step": at, "num_steps": 3})
    return [(line["event"], line["step"]) for line in log(file)]


def shown(*, terminal: bool, num_steps: int, start: int = 0, evaluate: bool = False) -> str:
    """What the console says of a run."""
    out = io.StringIO()
    hook = ConsoleLines(Console(file=out, force_terminal=terminal, width=100, color_system=None, highlight=False))
    hook.on_start({"step": start, "num_steps": num_steps})
    for number in range(start + 1, num_steps + 1):
        hook.on_step(step(number))
        hook.on_save({"step": number})
    if evaluate:
        hook.on_eval(EVALUATION)
        hook.on_eval(EVALUATION | {"best": False})
    hook.on_end({"step": num_steps})
    return out.getvalue()


def test_log_has_one_line_per_step_and_evaluation(tmp_path: Path) -> None:
    made = LogFile(tmp_path / "log.jsonl")
    made.on_start({"step": 0, "num_steps": 1})
    made.on_step(step(1))
    made.on_eval(EVALUATION)
    made.on_save({"step": 1})
    made.on_end({"step": 1})
    assert log(made.file) == [{"event": "step"} | step(1), {"event": "eval"} | EVALUATION]


def test_line_is_on_disk_as_soon_as_it_is_told(written: LogFile) -> None:
    written.on_step(step(4))
    assert log(written.file)[-1]["step"] == 4


@pytest.mark.parametrize(("at", "expected"), [
    (0, []), (1, [("step", 1), ("eval", 1)]), (2, [("step", 1), ("eval", 1), ("step", 2), ("eval", 2)]),
])
def test_resumed_log_drops_the_lines_after_its_checkpoint(at: int, expected: list[Any], written: LogFile) -> None:
    assert resumed(written.file, at) == expected


def test_log_resumed_at_its_end_keeps_every_line(written: LogFile) -> None:
    before = written.file.read_bytes()
    LogFile(written.file).on_start({"step": 3, "num_steps": 3})
    assert written.file.read_bytes() == before


def test_last_line_is_dropped_wherever_it_was_torn(written: LogFile) -> None:
    whole = written.file.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for length in range(1, len(last) - 1):
        written.file.write_bytes(whole[: len(whole) - len(last) + length])
        assert resumed(written.file, 3)[-2:] == [("eval", 2), ("step", 3)], last[:length]


def test_lines_after_a_torn_one_start_on_their_own(written: LogFile) -> None:
    with written.file.open("a") as opened:
        opened.write('{"event": "step", "st')
    LogFile(written.file).on_start({"step": 3, "num_steps": 4})
    LogFile(written.file).on_step(step(4))
    assert [line["step"] for line in log(written.file)] == [1, 1, 2, 2, 3, 3, 4]


def test_new_run_starts_an_empty_log(tmp_path: Path) -> None:
    assert resumed(tmp_path / "log.jsonl", 0) == []


def test_without_a_terminal_there_are_plain_lines() -> None:
    lines = shown(terminal=False, num_steps=100).splitlines()
    assert len(lines) == 10
    assert lines[0] == "  step 10 of 100  epoch 5.00  loss 0.1000  1,234 rows/s"
    assert lines[-1] == "  step 100 of 100  epoch 50.00  loss 0.0100  1,234 rows/s"


def test_short_run_has_a_line_per_step() -> None:
    lines = shown(terminal=False, num_steps=3).splitlines()
    assert [line.split("  epoch")[0] for line in lines] == ["  step 1 of 3", "  step 2 of 3", "  step 3 of 3"]


def test_evaluation_is_a_line_that_marks_the_best() -> None:
    lines = shown(terminal=False, num_steps=1, evaluate=True).splitlines()
    assert lines[1:] == ["  epoch 1.50  validation loss 0.2500  accuracy 0.7500  best so far",
                         "  epoch 1.50  validation loss 0.2500  accuracy 0.7500"]


def test_without_a_terminal_nothing_moves_the_cursor() -> None:
    text = shown(terminal=False, num_steps=30, evaluate=True)
    assert "\x1b" not in text
    assert "\r" not in text


def test_on_a_terminal_there_is_a_bar_that_is_taken_away() -> None:
    text = shown(terminal=True, num_steps=30)
    assert "training" in text
    assert "30/30" in text
    assert "loss 0.0333  1,234 rows/s" in text
    assert "step 30 of 30" not in text
    assert "\x1b[?25l" in text  # the cursor is hidden while the bar moves
    assert text.rindex("\x1b[?25h") > text.rindex("training")  # and shown again
    assert text.rindex("\x1b[2K") > text.rindex("training")  # the line of the bar is cleared


def test_bar_of_a_resumed_run_starts_where_it_stopped() -> None:
    assert "20/30" in shown(terminal=True, num_steps=30, start=20)


def test_evaluation_is_shown_above_the_bar() -> None:
    assert "  epoch 1.50  validation loss 0.2500  accuracy 0.7500  best so far" in shown(terminal=True, num_steps=3, evaluate=True)


def test_bar_goes_when_the_run_fails_before_its_first_step() -> None:
    out = io.StringIO()
    hook = ConsoleLines(Console(file=out, force_terminal=True, width=100))
    hook.on_start({"step": 0, "num_steps": 5})
    hook.on_end({"step": 0})
    assert "\x1b[?25h" in out.getvalue()
