"""From a batch to numpy outputs: the one way in which a torch model answers, in training and in the export gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from finetune.contracts import Batch, LossSum, Task

if TYPE_CHECKING:
    from finetune.contracts import Array

# A batch of numpy arrays to the model's outputs by name, and the summed loss where the model can tell it.
Infer = Callable[[Batch], tuple[Mapping[str, "Array"], LossSum | None]]


def tensors(batch: Batch, device: Any = "cpu") -> Batch:
    """The same batch with torch tensors on a device."""
    import torch

    def moved(arrays: Mapping[str, Array]) -> dict[str, Any]:
        return {name: torch.from_numpy(array).to(device, non_blocking=True) for name, array in arrays.items()}

    return replace(batch, inputs=moved(batch.inputs), targets=moved(batch.targets))


def torch_infer(model: Any, task: Task, *, device: Any = "cpu", autocast: Any = None) -> Infer:
    """How a torch model answers, in evaluation mode; the loss is there when the batch has targets."""
    import torch

    own = getattr(task, "infer", None)
    answer = own or (lambda model, batch: model(**batch.inputs))

    def infer(batch: Batch) -> tuple[Mapping[str, Array], LossSum | None]:
        model.eval()
        batch = tensors(batch, device)
        with torch.inference_mode():
            with autocast() if autocast else nullcontext():
                output = answer(model, batch)
            loss = task.loss(output, batch) if batch.targets else None
            arrays = {name: value.float().cpu().numpy() for name, value in output.items() if torch.is_tensor(value)}
        return arrays, LossSum(float(loss.total), loss.count) if loss else None

    return infer
