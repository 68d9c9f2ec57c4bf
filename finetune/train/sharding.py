"""Sharded models (FSDP2): gathered for whoever saves them, shared out again to whoever resumes, kept in step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.tensor import DTensor, distribute_tensor

from finetune.contracts import Batch
from finetune.evaluate.infer import Infer


def is_sharded(model: torch.nn.Module) -> bool:
    """Whether every process holds only its share of the weights."""
    return any(isinstance(weight, DTensor) for weight in model.parameters())


def prepare(accelerator: Any, model: torch.nn.Module, optimizer: Any) -> tuple[Any, Any]:
    """Model and optimizer as Accelerate prepares them; a model that is to be sharded is cut between its blocks."""
    if accelerator.is_fsdp2 and not accelerator.state.fsdp_plugin.transformer_cls_names_to_wrap:
        accelerator.state.fsdp_plugin.transformer_cls_names_to_wrap = blocks(model)
    prepared: tuple[Any, Any] = accelerator.prepare(model, optimizer)
    return prepared


def blocks(model: torch.nn.Module) -> list[str]:
    """Class names of the outermost layers that a backbone repeats: what is gathered, used and freed together."""
    layers = list(model) if isinstance(model, (torch.nn.ModuleList, torch.nn.Sequential)) else []
    if len(layers) > 1 and len({type(layer) for layer in layers}) == 1 and list(layers[0].parameters()):
        return [type(layers[0]).__name__]
    return sorted({name for child in model.children() for name in blocks(child)})


@dataclass(frozen=True, slots=True)
class Gathered:
    """The state of a sharded model or optimizer in one piece, on the CPU of the process that keeps it."""

    state: dict[str, Any]

    def state_dict(self) -> dict[str, Any]:
        """What was gathered."""
        return self.state


def gathered(part: Any, *, keep: bool) -> Any:
    """A model or optimizer in one piece; every process must ask, only those that `keep` get more than names.

    One that is not sharded is returned as it is.
    """
    return Gathered(_whole(part.state_dict(), keep)) if _shares(part) else part


@dataclass(frozen=True, slots=True)
class SharedOut:
    """A sharded model or optimizer that takes a state in one piece; every process hands in the same."""

    part: Any

    def state_dict(self) -> Any:
        """The names of what it holds, and this process's shares."""
        return self.part.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Keep this process's share of every tensor."""
        if isinstance(self.part, torch.nn.Module):
            own = self.part.state_dict()
            self.part.load_state_dict({name: _share(value, own[name]) for name, value in state.items()})
            return
        weights = _weights(self.part)
        moments = {i: {name: _share(value, weights[i]) for name, value in entry.items()}
                   for i, entry in state["state"].items()}
        self.part.load_state_dict({**state, "state": moments})


def shared_out(part: Any) -> Any:
    """What `checkpoint.load` may fill with a state in one piece; one that is not sharded is returned as it is."""
    return SharedOut(part) if _shares(part) else part


def keep_in_step(infer: Infer, batch: Batch, *, times: int) -> None:
    """Forward passes for the sake of the other processes: each gathers weights, in which all must take part."""
    for _ in range(times):
        infer(batch)


def _weights(optimizer: Any) -> list[torch.nn.Parameter]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def _shares(part: Any) -> bool:
    weights = part.parameters() if isinstance(part, torch.nn.Module) else _weights(part)
    return any(isinstance(weight, DTensor) for weight in weights)


def _whole(value: Any, keep: bool) -> Any:
    """The same structure with whole tensors; one tensor at a time, so that no accelerator holds a second model."""
    if isinstance(value, dict):
        return {name: _whole(entry, keep) for name, entry in value.items()}
    if not isinstance(value, DTensor):
        return value
    tensor = value.full_tensor()
    return tensor.cpu() if keep else None


def _share(value: Any, like: Any) -> Any:
    """This process's share, cut from its own copy; what is not cut like a weight, as a step counter, is left whole."""
    if not isinstance(like, DTensor) or value.shape != like.shape:
        return value
    # No source: every process has read the same file, so nothing need be sent.
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
