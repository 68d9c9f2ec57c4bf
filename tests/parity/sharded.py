"""FSDP2 without an accelerator: what `accelerate launch` and Accelerate do for the profile where there are some."""

from __future__ import annotations

import os

from accelerate import Accelerator, FullyShardedDataParallelPlugin, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

from finetune.run.processes import Launch


def shard(on: bool) -> None:
    """Let every Accelerator of this process shard, or not, whatever it is asked to prepare.

    Accelerate 1.15 takes no plugin where processes train on CPUs (`AcceleratorState.__init__`), though torch shards there
    too. The test that fails when it does: tests/parity/test_same_losses.py::test_accelerate_does_not_shard_on_cpus.
    """
    settings = Launch("fsdp", 2, "a test").settings()
    os.environ |= {key.partition(".")[2].upper(): str(value).lower() for key, value in settings.items() if "." in key}
    state = Accelerator(cpu=True).state
    kind = DistributedType.FSDP if on else DistributedType.MULTI_CPU
    for shared in (PartialState._shared_state, AcceleratorState._shared_state):
        shared["distributed_type"] = kind
    state.fsdp_plugin = FullyShardedDataParallelPlugin() if on else None
