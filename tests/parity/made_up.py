"""Inputs of a shape that no data set promises, for comparing two forms of one model."""

from __future__ import annotations

from typing import Any

import numpy as np

BATCHES = (1, 3, 7, 32)
LENGTHS = (1, 17)  # tokens, besides as many as the task lets pass


def inputs(model: Any, processor: Any, *, batch: int, length: int) -> dict[str, np.ndarray]:
    """Random tokens, padded behind all rows but the first, or noise on random colours, the same for the same shape."""
    random = np.random.default_rng([batch, length])
    if hasattr(processor, "size"):
        colours = random.normal(scale=3.0, size=(batch, 3, 1, 1))
        noise = random.normal(size=(batch, 3, processor.size, processor.size))
        return {"pixel_values": (colours + noise).astype(np.float32)}
    lengths = random.integers(1, length + 1, size=batch)
    lengths[0] = length
    mask = (np.arange(length) < lengths[:, None]).astype(np.int64)
    ids = np.where(mask, random.integers(5, model.config.vocab_size, size=mask.shape), processor.pad_id)
    found = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return {name: found[name] for name in processor.inputs}


def shapes(task: Any, processor: Any) -> list[tuple[int, int]]:
    """Rows and tokens of every batch that is compared; pictures have one size."""
    lengths = (1,) if hasattr(processor, "size") else (*LENGTHS, min(task.max_tokens, processor.max_tokens))
    return [(batch, length) for batch in BATCHES for length in lengths]
