"""What is left of adapters after training: the folder `adapter/`, and the merged model that all later stages see."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import torch

from finetune.errors import TrainingError
from finetune.evaluate.infer import tensors
from finetune.write import os_errors

if TYPE_CHECKING:
    from finetune.contracts import Batch
    from finetune.run.context import Run

MAX_DIFFERENCE = 1e-4  # far above rounding: beyond it the merged model is another model


def keep_and_merge(run: Run, model: Any, batch: Batch) -> tuple[Any, float]:
    """Write `adapter/` and return the plain model, and by how much at most the merge changed a logit of the batch.

    Raises TrainingError beyond 1e-4.
    """
    from finetune.backbones import adapters

    draft, final = run.folder.path / ".adapter.draft", run.folder.path / "adapter"
    shutil.rmtree(draft, ignore_errors=True)
    with os_errors(draft):
        adapters.save(model, draft)
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    adapted = _logits(model.cpu(), batch)
    plain = adapters.merge(model)
    difference = float((_logits(plain, batch) - adapted).abs().max())
    if not difference <= MAX_DIFFERENCE:
        raise TrainingError("train.adapter", f"merging changed the answers by {difference:.0e}, {MAX_DIFFERENCE:.0e} "
                                             f"is allowed. The adapter itself is kept in {final}. Start a new run "
                                             "with fewer train.adapter.targets, or with train.adapter=none.")
    run.say(f"adapter kept in {final}; merged into the model, which changed its logits by {difference:.0e}")
    return plain, difference


def _logits(model: Any, batch: Batch) -> torch.Tensor:
    """Logits in float64, so that two models differ by their weights and not by how a forward pass rounds.

    The float32 weights come out as they went in: every one of them is a float64 number.
    """
    inputs = {name: value.double() if value.is_floating_point() else value
              for name, value in tensors(batch).inputs.items()}
    model.double().eval()
    with torch.inference_mode():
        outputs = model(**inputs)
    model.float()
    named = [outputs[name] for name in outputs if name.endswith("logits")]  # answers have two: beginnings and ends
    return torch.stack(named)
