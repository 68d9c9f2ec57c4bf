"""What is left of adapters after training: the folder `adapter/`, and the merged model that all later stages see."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.errors import TrainingError
from finetune.evaluate.infer import torch_infer
from finetune.train.checkpoint import os_errors

if TYPE_CHECKING:
    from finetune.contracts import Batch, Task
    from finetune.run.context import Run

MAX_DIFFERENCE = 1e-4  # far above rounding: beyond it the merged model is another model


def keep_and_merge(run: Run, model: Any, *, task: Task, batch: Batch) -> tuple[Any, float]:
    """Write `adapter/` and return the plain model, and by how much the merge changed the logits of a batch.

    The change is the largest of all logits, as a share of the largest logit. Raises TrainingError beyond 1e-4.
    """
    from finetune.backbones import adapters

    draft, final = run.folder.path / ".adapter.draft", run.folder.path / "adapter"
    shutil.rmtree(draft, ignore_errors=True)
    with os_errors(draft):
        adapters.save(model, draft)
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    # On the CPU in float32, since accelerators round matrix products as they please.
    adapted = _logits(model.cpu(), task, batch)
    plain = adapters.merge(model)
    difference = float(np.abs(_logits(plain, task, batch) - adapted).max() / np.abs(adapted).max())
    if not difference <= MAX_DIFFERENCE:
        raise TrainingError("train.adapter", f"merging changed the answers by {difference:.0e}, {MAX_DIFFERENCE:.0e} "
                                             f"is allowed. The adapter itself is kept in {final}. Start a new run "
                                             "with fewer train.adapter.targets, or with train.adapter=none.")
    run.say(f"adapter kept in {final}; merged into the model, which changed its logits by {difference:.0e}")
    return plain, difference


def _logits(model: Any, task: Task, batch: Batch) -> Any:
    return torch_infer(model, task)(batch)[0]["logits"].astype(np.float64)
