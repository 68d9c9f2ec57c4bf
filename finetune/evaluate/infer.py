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
    """The same batch with torch tensors on a device; columns of texts and lists stay as they are."""
    import torch

    def moved(arrays: Mapping[str, Array]) -> dict[str, Any]:
        return {name: array if array.dtype == object else torch.from_numpy(array).to(device, non_blocking=True)
                for name, array in arrays.items()}

    return replace(batch, inputs=moved(batch.inputs), targets=moved(batch.targets))


def torch_infer(model: Any, task: Task, *, device: Any = "cpu", autocast: Any = None) -> Infer:
    """How a torch model answers, in evaluation mode; the loss is there when the batch has targets.

    A task that answers in its own way sees two passes then: the loss is that of the plain model.
    """
    import torch

    own = getattr(task, "infer", None)

    def infer(batch: Batch) -> tuple[Mapping[str, Array], LossSum | None]:
        model.eval()
        batch = tensors(batch, device)
        with torch.inference_mode():
            with autocast() if autocast else nullcontext():
                output = model(**batch.inputs) if batch.targets or not own else {}
            loss = task.loss(output, batch) if batch.targets else None
            if own:
                with autocast() if autocast else nullcontext():
                    output = own(model, batch)
            arrays = {name: (value.float() if value.is_floating_point() else value).cpu().numpy()
                      for name, value in output.items() if torch.is_tensor(value)}
        return arrays, LossSum(float(loss.total), loss.count) if loss else None

    return infer
