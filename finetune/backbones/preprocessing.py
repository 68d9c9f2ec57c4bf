"""From the library's own processors, as the weights came with them, to ours: the same pixels and tokens, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.data.pixels import ImageProcessor
from finetune.data.text import TextProcessor
from finetune.errors import BackboneError

if TYPE_CHECKING:
    from pathlib import Path

# Pillow's numbers for the filters, as image processor configurations hold them.
RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
SQUASHED_FROM = 384  # pixels; a ConvNeXt's processor crops smaller inputs alone
# RoBERTa's positions start after the padding id, so that many of them are never used by a token.
AFTER_PADDING = ("roberta", "xlm-roberta", "camembert")


def of_texts(native: Any, config: Any, place: str | Path) -> TextProcessor:
    """The tokenizer of the weights; BackboneError where it exists in slow form only."""
    if not native.is_fast:
        raise BackboneError(
            f"model.name: {place}",
            "its tokenizer exists in slow form only, a tokenizer.json is needed. Use a backbone that ships one.",
        )
    tokenizer = native.backend_tokenizer
    tokenizer.no_padding()
    longest = getattr(config, "max_position_embeddings", None) or native.model_max_length
    offset = config.pad_token_id + 1 if config.model_type in AFTER_PADDING else 0
    pad_id = native.pad_token_id if native.pad_token_id is not None else 0
    return TextProcessor(tokenizer, tuple(native.model_input_names), pad_id, int(min(longest - offset, 100_000)))


def of_pictures(settings: Mapping[str, Any], place: str | Path, *, size: int | None) -> ImageProcessor:
    """What the settings of an image processor of transformers come to; `size` is the task's, where it has one."""
    if settings.get("do_flip_channel_order"):
        raise BackboneError(f"model.name: {place}", "its weights take blue before red (do_flip_channel_order), which "
                                                    "cannot be had here. Use another backbone.")
    own, crop = _cut(settings)
    if not own:
        raise BackboneError(
            f"model.name: {place}",
            "its image processor names no input size. Add task.image_size=PIXELS, or use another backbone.",
        )
    mean, std = _normalised(settings)
    return ImageProcessor(size=size or own, mean=mean, std=std, crop=crop,
                          resample=RESAMPLE.get(settings.get("resample", 2), "bilinear"))


def _cut(settings: Mapping[str, Any]) -> tuple[int | None, float | None]:
    """Side of the input, and the share of the shorter side that is kept; None for all of the picture."""
    size = settings.get("size") or {}
    edge, cut = size.get("shortest_edge"), settings.get("crop_size") if settings.get("do_center_crop") else None
    own = (cut or size).get("height") or edge
    if own and cut:
        return own, own / (edge or size.get("height") or own)
    if own and edge and settings.get("crop_pct") and edge < SQUASHED_FROM:  # of a ConvNeXt, and many a ResNet
        return own, own / int(own / settings["crop_pct"])
    return own, None


def _normalised(settings: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel of values in [0, 1], whatever the processor rescales, shifts and divides by."""
    scale = 255 * settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 255.0
    scale = 1.0 if abs(scale - 1) < 1e-6 else scale
    shift = 1.0 if settings.get("rescale_offset") else 0.0
    known = settings.get("do_normalize", True) and settings.get("image_mean") is not None
    mean, std = (settings["image_mean"], settings["image_std"]) if known else ([0.0] * 3, [1.0] * 3)
    # An EfficientNet's include_top divides once more.
    twice = [value if settings.get("include_top") else 1.0 for value in settings.get("image_std") or [1.0] * 3]
    return (tuple((value + shift) / scale for value in mean),
            tuple(value * again / scale for value, again in zip(std, twice, strict=True)))
