"""However a batch is cut - micro-batches, processes, shards - the losses are the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from finetune.train import loop
from finetune.train.progress import Progress
from tests.parity import setting
from tests.parity.processes import (
    KEPT,
    MORE_STEPS,
    NUM_STEPS,
    RATES,
    ROWS,
    UNEVEN,
    UNEVEN_STEPS,
    WAYS,
    evaluations,
    made,
    made_uneven,
)

ROOT = Path(__file__).parents[2]
LAUNCHES = {2: ("bert", "vit", "tags", "answers"), 3: ("bert",)}  # processes, and what they fit
CASES = [(processes, way, kind) for processes, kinds in LAUNCHES.items() for way in WAYS for kind in kinds]
pytestmark = pytest.mark.slow


def losses(log: Path) -> np.ndarray:
    """The loss of every step, from the log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return np.array([line["loss"] for line in lines if line["event"] == "step"])


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[np.ndarray, dict[int, Any]]]:
    """One process, 1 x 32: losses and evaluations of each miniature."""
    found = {}
    for kind in RATES:
        folder = tmp_path_factory.mktemp(kind)
        training = made(kind, folder, 1)
        loop.fit(training, Progress())
        found[kind] = (losses(folder / "log.jsonl"), evaluations(training, kind))
    return found


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Gloo processes; one launch for all miniatures, since the imports cost more than the work."""
    folders = {}
    for processes, kinds in LAUNCHES.items():
        folders[processes] = tmp_path_factory.mktemp(f"processes-{processes}")
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}",
                   "-m", "tests.parity.processes", str(folders[processes]), *kinds]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
                              timeout=400)
        assert done.returncode == 0, done.stderr[-3000:]
    return folders


def result(folder: Path, way: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / way / kind / "result.json").read_text())
    return found


@pytest.mark.parametrize("kind", RATES)
def test_accumulation_gives_the_losses_of_one_pass(kind: str, one: dict[str, Any], tmp_path: Path) -> None:
    training = setting.training(kind, tmp_path, train=setting.steps(NUM_STEPS, micro_batch=8, lr=RATES[kind]), num_rows=ROWS[kind],
                                dropout=0.0, options={"augmentations": ()})
    loop.fit(training, Progress())
    expected = one[kind][0]
    assert len(expected) == NUM_STEPS
    assert expected[-5:].mean() < expected[:5].mean()
    np.testing.assert_allclose(losses(tmp_path / "log.jsonl"), expected, rtol=1e-6)


@pytest.mark.parametrize(("processes", "way", "kind"), CASES)
def test_many_processes_give_the_losses_of_one(processes: int, way: str, kind: str, one: dict[str, Any], launched: dict[int, Path]) -> None:
    found = result(launched[processes], way, kind)
    assert found["processes"] == processes
    assert found["wrapper"].startswith("FSDP" if way == "sharded" else "DistributedDataParallel")
    np.testing.assert_allclose(losses(launched[processes] / way / kind / "process-0" / "log.jsonl"), one[kind][0], rtol=1e-6)


@pytest.mark.parametrize("name", UNEVEN)
def test_what_makes_up_for_uneven_labels_is_the_same_however_the_batch_is_cut(
    name: str, one: dict[str, Any], launched: dict[int, Path], tmp_path: Path
) -> None:
    loop.fit(made_uneven(name, tmp_path / "one", 1), Progress())
    loop.fit(made_uneven(name, tmp_path / "cut", 4), Progress())
    expected = losses(tmp_path / "one" / "log.jsonl")
    assert len(expected) == UNEVEN_STEPS
    assert not np.allclose(expected, one["bert"][0][:UNEVEN_STEPS], rtol=1e-2)
    for log in (tmp_path / "cut" / "log.jsonl", *(launched[processes] / name / "log.jsonl" for processes in LAUNCHES)):
        np.testing.assert_allclose(losses(log), expected, rtol=1e-6)


@pytest.mark.parametrize(("processes", "way", "kind"), CASES)
def test_every_row_is_computed_once_per_epoch(processes: int, way: str, kind: str, launched: dict[int, Path]) -> None:
    steps = result(launched[processes], way, kind)["steps"]
    assert len(steps) == processes
    together = [sorted(row for part in parts for row in part) for parts in zip(*steps, strict=True)]
    assert len(together) == NUM_STEPS
    per_epoch = -(-ROWS[kind] // 32)
    for start in range(0, NUM_STEPS - per_epoch + 1, per_epoch):
        assert sorted(row for rows in together[start:start + per_epoch] for row in rows) == list(range(ROWS[kind]))
    assert len(together[per_epoch - 1]) == ROWS[kind] % 32  # the last batch is short, on purpose


@pytest.mark.parametrize(("processes", "way", "kind"), CASES)
def test_evaluation_sees_every_row_once(processes: int, way: str, kind: str, one: dict[str, Any], launched: dict[int, Path]) -> None:
    found = result(launched[processes], way, kind)["evaluations"]
    assert sorted(map(int, found)) == sorted(KEPT)
    for count in KEPT:
        ours, expected = found[str(count)], one[kind][1][count]
        assert ours["count"] == expected["count"]
        assert ours["count"] >= count if kind == "tags" else ours["count"] == count  # words, each once, or rows
        np.testing.assert_allclose(ours["found"], expected["found"], atol=2e-6)
        np.testing.assert_allclose(ours["loss"], expected["loss"], rtol=1e-5)


@pytest.mark.parametrize(("processes", "way", "kind"), CASES)
def test_only_the_main_process_writes(processes: int, way: str, kind: str, launched: dict[int, Path]) -> None:
    folder = launched[processes] / way / kind
    files = result(launched[processes], way, kind)["written_by"]
    assert files[0] > NUM_STEPS  # a log line per step and a checkpoint: the hook does see what is written
    assert files[1:] == [0] * (processes - 1)
    assert [path.name for path in folder.glob("process-*")] == ["process-0"]


@pytest.mark.parametrize("processes", LAUNCHES)
def test_a_checkpoint_is_the_same_whether_weights_are_whole_or_sharded(processes: int, launched: dict[int, Path]) -> None:
    whole, sharded = (launched[processes] / way / "bert" / "process-0" / "checkpoints" / f"step-{NUM_STEPS:08d}" for way in WAYS)
    for name in ("model.safetensors", "optimizer.safetensors"):
        expected, found = load_file(whole / name), load_file(sharded / name)
        assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in expected.items()}
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("processes", LAUNCHES)
def test_a_checkpoint_can_be_resumed_in_either_way(processes: int, launched: dict[int, Path]) -> None:
    logs = {(saved, way): losses(launched[processes] / "more" / f"{saved}-{way}.jsonl") for saved in WAYS for way in WAYS}
    assert {len(log) for log in logs.values()} == {MORE_STEPS}
    for log in logs.values():
        np.testing.assert_allclose(log, logs["whole", "whole"], rtol=1e-6)


def test_accelerate_does_not_shard_on_cpus(tmp_path: Path) -> None:
    """Why tests/parity/sharded.py is needed, and why `world.check` refuses a sharded launch without accelerators."""
    code = ("import os; from accelerate import Accelerator; state = Accelerator(cpu=True).state; "
            "os.write(1, f'{state.num_processes} {state.distributed_type.value}\\n'.encode())")  # at once: two write to one pipe
    (tmp_path / "program.py").write_text(code)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(tmp_path / "program.py")]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"},
                          capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n")[:2] == ["2 MULTI_CPU", "2 MULTI_CPU"]
