"""Backbones of timm, inside the transformers wrapper, so that the saved folder loads with from_pretrained."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import timm
from transformers import TimmWrapperConfig, TimmWrapperForImageClassification

from finetune.backbones import hf
from finetune.contracts import Head, Loaded
from finetune.data.pixels import ImageProcessor
from finetune.errors import BackboneError, nearest
from finetune.write import read_json


def load(place: str | Path, head: Head, *, revision: str | None = None, local: bool = True) -> Loaded:
    """The timm weights at `place` (folder or Hub name) with a new classifier; safetensors only."""
    names = head.labels
    hf.refuse_code(place, {"revision": revision, "local_files_only": local})
    with hf.quiet():
        model, info = TimmWrapperForImageClassification.from_pretrained(
            place, revision=revision, local_files_only=local, use_safetensors=True, ignore_mismatched_sizes=True,
            num_labels=len(names), id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)},
            output_loading_info=True,
        )
    fresh = hf.refuse_unfit(model, info, place)
    model.config.label_names = list(names)  # without it from_pretrained would name the classes of ImageNet
    return _loaded(model, place, head=head, settings=model.config.pretrained_cfg, fresh=fresh,
                   settings_from="the weights' config.json, pretrained_cfg")


def random(
    place: str | Path, head: Head, *, revision: str | None = None, local: bool = True,  # noqa: ARG001  # as in hf.py
) -> Loaded:
    """The timm architecture at `place` (folder or name) with new weights from torch's current random state."""
    architecture, own, told_by = _described(place)
    size = head.size or own["input_size"][-1]
    crop = own["crop_pct"] if size == own["input_size"][-1] else 1.0
    settings = {"input_size": [3, size, size], "mean": list(own["mean"]), "std": list(own["std"]),
                "interpolation": own["interpolation"], "crop_pct": crop}
    sized = {"img_size": size} if own.get("fixed_input_size") else {}  # the positions of a ViT are for one size
    names = head.labels
    config = TimmWrapperConfig(
        architecture=architecture, pretrained_cfg=settings, num_labels=len(names), id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)}, label_names=list(names), problem_type=head.problem,
        model_args=sized or None,
    )
    start = timm.create_model(architecture, num_classes=len(names), **sized).state_dict() if hf.MAJOR >= 5 else None
    model = TimmWrapperForImageClassification(config)
    if start:  # 5.23 draws all weights anew, narrowly: test_transformers_5_still_overwrites_the_start_of_timm
        model.timm_model.load_state_dict(start)
    return _loaded(model, architecture, head=head, settings=settings, settings_from=told_by)


def _described(place: str | Path) -> tuple[str, dict[str, Any], str]:
    """The architecture, what its weights were trained with, and who says so."""
    config = read_json(place / "config.json") if isinstance(place, Path) else {}
    name = config.get("architecture") or str(place).removeprefix("timm/")
    architecture = name.split(".")[0]
    if not timm.is_model(architecture):
        raise BackboneError(
            f"model.name: {place}",
            f"timm has no architecture of that name.{nearest(architecture, timm.list_models())} "
            "`timm.list_models()` lists all.",
        )
    known = timm.get_pretrained_cfg(name) or timm.get_pretrained_cfg(architecture)
    own = {**known.to_dict(), **config.get("pretrained_cfg", {})}
    return architecture, own, "the folder's config.json" if config else f"timm's pretrained_cfg of {name}"


def reload(folder: Path, head: Head, *, attention: str | None = None) -> Any:  # noqa: ARG001  # as in hf.py
    """The model that `save_pretrained` wrote."""
    return hf.reload(folder, head)


def _loaded(
    model: Any, place: str | Path, *, head: Head, settings: dict[str, Any], settings_from: str,
    fresh: tuple[str, ...] = (),
) -> Loaded:
    own = settings["input_size"][-1]
    size = head.size or own
    crop = settings.get("crop_pct", 1.0) if size == own else 1.0
    shorter = math.floor(size / crop)  # timm cuts the fraction off before it scales
    processor = ImageProcessor(size=size, mean=tuple(settings["mean"]), std=tuple(settings["std"]),
                               resample=settings["interpolation"],
                               crop=None if settings.get("crop_mode") == "squash" else size / shorter)
    model.config.pretrained_cfg = {**settings, "input_size": [3, size, size], "crop_pct": crop}
    # The wrapper keeps its image processor inside config.json, so there is nothing to save beside the model.
    return hf.counted(Loaded(model=model, processor=processor, native=None, source="", name=str(place), fresh=fresh,
                             settings_from=settings_from))
