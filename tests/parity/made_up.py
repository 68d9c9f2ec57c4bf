"""Inputs of a shape that no data set promises, for comparing two forms of one model."""

from __future__ import annotations

from typing import Any

import numpy as np

BATCHES = (1, 3, 7, 32)
LENGTHS = (1, 17, None)  # tokens; None is the longest that the model takes


def inputs(model: Any, processor: Any, *, batch: int, length: int | None) -> dict[str, np.ndarray]:
    """Random tokens, padded behind all rows but the first, or noise on random colours, the same for the same shape."""
    random = np.random.default_rng([batch, length or 0])
    if hasattr(processor, "size"):
        colours = random.normal(scale=3.0, size=(batch, 3, 1, 1))
        noise = random.normal(size=(batch, 3, processor.size, processor.size))
        return {"pixel_values": (colours + noise).astype(np.float32)}
    longest = length or processor.max_tokens
    lengths = random.integers(1, longest + 1, size=batch)
    lengths[0] = longest
    mask = (np.arange(longest) < lengths[:, None]).astype(np.int64)
    ids = np.where(mask, random.integers(5, model.config.vocab_size, size=mask.shape), processor.pad_id)
    found = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return {name: found[name] for name in processor.inputs}


def shapes(processor: Any) -> list[tuple[int, int | None]]:
    """Rows and tokens of every batch that is compared; pictures have one size."""
    return [(batch, length) for batch in BATCHES for length in ((None,) if hasattr(processor, "size") else LENGTHS)]
