"""What TensorBoard reads from the files of a run, also of one that was interrupted."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from finetune.train.tensorboard import TensorBoard
from tests.conftest import Finished

STEP_TAGS = ["train/grad_norm", "train/loss", "train/lr", "train/rows_per_second"]


def step(number: int, loss: float) -> dict[str, float]:
    return {"step": number, "epoch": number / 10, "loss": loss, "lr": 1e-4, "grad_norm": 2.0, "rows": 32, "rows_per_second": 128.0}


def evaluation(number: int) -> dict[str, object]:
    return {"step": number, "epoch": number / 10, "loss": 0.5, "scores": {"accuracy": 0.75, "f1_macro": 0.5}, "shown": ["accuracy"],
            "best": True}


def trained(folder: Path, *, after: int, until: int, loss: float, closed: bool = True) -> TensorBoard:
    """The steps `after` + 1 to `until`, with an evaluation and a checkpoint every ten."""
    hook = TensorBoard(folder)
    hook.on_start({"step": after, "num_steps": 40})
    for number in range(after + 1, until + 1):
        hook.on_step(step(number, loss))
        if number % 10 == 0:
            hook.on_eval(evaluation(number))
            hook.on_save({"step": number})
    if closed:
        hook.on_end({"step": until})
    return hook


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {tag: [(event.step, round(event.value, 6)) for event in events.Scalars(tag)] for tag in sorted(events.Tags()["scalars"])}


def test_every_step_and_evaluation_is_there_once(tmp_path: Path) -> None:
    trained(tmp_path, after=0, until=25, loss=0.25)
    found = read(tmp_path)
    assert list(found) == [*STEP_TAGS, "validation/accuracy", "validation/f1_macro", "validation/loss"]
    assert found["train/loss"] == [(number, 0.25) for number in range(1, 26)]
    assert found["train/lr"][0] == (1, 1e-4)
    assert found["train/grad_norm"][-1] == (25, 2.0)
    assert found["train/rows_per_second"][-1] == (25, 128.0)
    assert found["validation/accuracy"] == [(10, 0.75), (20, 0.75)]
    assert found["validation/loss"] == [(10, 0.5), (20, 0.5)]


def test_a_resumed_run_has_no_step_twice(tmp_path: Path) -> None:
    trained(tmp_path, after=0, until=27, loss=0.25)
    trained(tmp_path, after=20, until=40, loss=0.125)
    found = read(tmp_path)
    assert found["train/loss"] == [(number, 0.25 if number <= 20 else 0.125) for number in range(1, 41)]
    assert [number for number, _ in found["validation/accuracy"]] == [10, 20, 30, 40]


def test_a_run_that_starts_over_forgets_its_first_steps(tmp_path: Path) -> None:
    trained(tmp_path, after=0, until=5, loss=0.25)
    trained(tmp_path, after=0, until=3, loss=0.125)
    assert read(tmp_path)["train/loss"] == [(1, 0.125), (2, 0.125), (3, 0.125)]


def test_a_record_that_a_kill_tore_is_no_obstacle(tmp_path: Path) -> None:
    trained(tmp_path, after=0, until=27, loss=0.25)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    trained(tmp_path, after=20, until=30, loss=0.125)
    assert [number for number, _ in read(tmp_path)["train/loss"]] == list(range(1, 31))


def test_files_are_numbered_and_name_no_host(tmp_path: Path) -> None:
    for _ in range(3):
        trained(tmp_path, after=0, until=1, loss=0.5)
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"events.out.tfevents.0000{number}" for number in range(3)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_an_error_of_the_step(tmp_path: Path) -> None:
    hook = trained(tmp_path, after=0, until=1, loss=0.5, closed=False)
    hook._records.close()
    with Path("/dev/full").open("wb", buffering=0) as full:
        hook._records = type(hook._records)(full)
        with pytest.raises(OSError, match="No space left on device"):
            hook.on_step(step(2, 0.5))
        hook.on_end({"step": 2})


def test_what_a_checkpoint_holds_is_on_disk_when_it_is_complete(tmp_path: Path) -> None:
    hook = trained(tmp_path, after=0, until=10, loss=0.25, closed=False)
    assert read(tmp_path)["train/loss"][-1] == (10, 0.25)
    hook.on_end({"step": 10})


def test_a_step_costs_less_than_a_millisecond(tmp_path: Path) -> None:
    hook = TensorBoard(tmp_path)
    hook.on_start({"step": 0, "num_steps": 1000})
    started = time.perf_counter()
    for number in range(1, 1001):
        hook.on_step(step(number, 0.5))
    assert time.perf_counter() - started < 1.0
    hook.on_end({"step": 1000})
    assert len(read(tmp_path)["train/loss"]) == 1000


def test_neither_torch_nor_tensorflow_is_loaded(tmp_path: Path) -> None:
    code = ("import sys; from pathlib import Path; from finetune.train.tensorboard import TensorBoard\n"
            f"hook = TensorBoard(Path({str(tmp_path)!r})); hook.on_start({{'step': 0}}); hook.on_end({{'step': 0}})\n"
            "assert not {'torch', 'tensorflow', 'pandas'} & set(sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_run_has_the_numbers_of_its_log(run_of: Callable[[str], Finished]) -> None:
    run = run_of("sentiment")[1]
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    found = read(run / "tensorboard")
    assert found["train/loss"] == [(line["step"], pytest.approx(line["loss"], abs=1e-6)) for line in lines if line["event"] == "step"]
    assert found["validation/accuracy"] == [(line["step"], pytest.approx(line["scores"]["accuracy"], abs=1e-6)) for line in lines
                                            if line["event"] == "eval"]
