"""What a backbone sees of a row before any head: its pooled output, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from finetune.contracts import Array


def pooled(model: Any, inputs: Mapping[str, Any]) -> Array:
    """Features of a batch of tensors, (B, D) float32; the model is left in evaluation mode.

    Of tokens the mean of the last layer, padding left out: it tells more than the first token of a backbone that was
    not trained for it (benchmarks/label_truth.py). Of feature maps the mean over the picture; of timm's networks what
    their classifier would get.
    """
    model.eval()
    with torch.inference_mode():
        features: Array = _pooled(model, inputs).float().cpu().numpy()
        return features


def _pooled(model: Any, inputs: Mapping[str, Any]) -> Any:
    if hasattr(model, "timm_model"):
        body = model.timm_model
        return body.forward_head(body.forward_features(inputs["pixel_values"]), pre_logits=True)
    hidden = model.base_model(**inputs).last_hidden_state
    if hidden.ndim == 4:  # BCHW
        return hidden.mean(dim=(2, 3))
    mask = inputs.get("attention_mask")
    if mask is None:
        return hidden.mean(dim=1)
    weights_BT1 = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights_BT1).sum(dim=1) / weights_BT1.sum(dim=1).clamp(min=1)
