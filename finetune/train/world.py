"""The processes that a launcher made: how many, over what, and whether they are what was asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from finetune.errors import SpecError

if TYPE_CHECKING:
    from accelerate import PartialState

DECIDES = "train.precision decides about it. Use train.precision=bf16 and leave the launcher at no."


def has_accelerator() -> bool:
    """Whether torch sees a device other than the CPU, and `accelerate launch --cpu` has not kept it from using it."""
    import torch

    return bool(torch.accelerator.is_available()) and not _on("ACCELERATE_USE_CPU")


def size() -> int:
    """How many processes a launcher says it started; 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def profile() -> str:
    """The profile whose processes these are, as `finetune launch --profile` spells it."""
    if not has_accelerator():
        return "cpu"
    return "fsdp" if _on("ACCELERATE_USE_FSDP") else "ddp"


def check(state: PartialState) -> None:
    """Refuse a launch that would train otherwise than it was asked to; raises SpecError with all there is to say.

    The variables are those that accelerate 1.15 hands to what it launches.
    """
    mixed = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
    sharded = _on("ACCELERATE_USE_FSDP")
    checks = [
        # Its simple launcher names an address for several processes, starts one and leaves the others to mpirun.
        ("MASTER_PORT" in os.environ and "ACCELERATE_MIXED_PRECISION" in os.environ and "RANK" not in os.environ,
         "launch: several processes were asked for, and the launcher started one: `accelerate launch` does so on CPUs, "
         "and where it sees fewer than two accelerators. Use finetune launch RECIPE --profile cpu --processes N, or "
         "torchrun --nproc_per_node N."),
        (size() != state.num_processes,
         f"launch: {size()} processes were asked for, but this one is of {state.num_processes}. "
         "Use finetune launch RECIPE --profile cpu --processes N."),
        (mixed != "no", f"--mixed_precision: the launcher says {mixed}, but {DECIDES}"),
        (sharded and state.device.type == "cpu",
         "fsdp: accelerate 1.15 shards on accelerators only and would train unsharded here. Use --profile cpu."),
        (sharded and os.environ.get("FSDP_VERSION") != "2",
         f"fsdp_version: {os.environ.get('FSDP_VERSION')} found, allowed is 2. Use finetune launch --profile fsdp."),
        (_on("ACCELERATE_USE_DEEPSPEED"),
         "zero3: this loop does not gather what DeepSpeed shares out, and would keep empty weights. Use --profile "
         "fsdp, which shards weights, gradients and optimizer alike."),
    ]
    problems = [message for wrong, message in checks if wrong]
    if problems:
        raise SpecError(problems)


def _on(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true", "yes")
