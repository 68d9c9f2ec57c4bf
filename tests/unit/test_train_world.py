"""Launches that would train otherwise than they were asked to are refused."""

from __future__ import annotations

import pytest
from accelerate import PartialState

from finetune.errors import SpecError
from finetune.train import world

OF_A_LAUNCH = {"ACCELERATE_MIXED_PRECISION": "no"}
CASES = {
    "one of several": ({"MASTER_PORT": "29500"}, "the launcher started one"),
    "fewer than said": ({"WORLD_SIZE": "2", "RANK": "0"}, "2 processes were asked for, but this one is of 1"),
    "mixed precision": ({"ACCELERATE_MIXED_PRECISION": "bf16"}, "--mixed_precision: the launcher says bf16, but train.precision decides"),
    "sharded on the cpu": ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}, "fsdp: accelerate 1.15 shards on accelerators only"),
    "old sharding": ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "1"}, "fsdp_version: 1 found, allowed is 2"),
    "deepspeed": ({"ACCELERATE_USE_DEEPSPEED": "true"}, "zero3: this loop does not gather what DeepSpeed shares out"),
}


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> PartialState:
    """One process on the CPU, as a launcher leaves it."""
    for name in ("WORLD_SIZE", "RANK", "MASTER_PORT", "ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED"):
        monkeypatch.delenv(name, raising=False)
    return PartialState(cpu=True)


def test_an_ordinary_launch_is_let_through(state: PartialState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    world.check(state)


@pytest.mark.parametrize("case", CASES)
def test_a_launch_that_would_do_something_else_is_refused(case: str, state: PartialState, monkeypatch: pytest.MonkeyPatch) -> None:
    variables, message = CASES[case]
    for name, value in (OF_A_LAUNCH | variables).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SpecError) as raised:
        world.check(state)
    assert message in str(raised.value)


def test_a_port_of_somebody_else_is_no_launch(state: PartialState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
    monkeypatch.setenv("MASTER_PORT", "29500")
    world.check(state)


def test_accelerators_are_left_alone_where_the_launcher_says_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    assert world.has_accelerator() is False
    assert world.profile() == "cpu"
