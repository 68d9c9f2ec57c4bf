"""Freezing from the bottom: embeddings or stem, then blocks by number, or the whole backbone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from finetune.backbones import anatomy
from finetune.errors import BackboneError

if TYPE_CHECKING:
    from finetune.contracts import Loaded


def freeze(loaded: Loaded, depth: int | Literal["embeddings", "backbone"]) -> Loaded:
    """The backbone with its lower part fixed: a number fixes the embeddings (or the stem) and that many blocks.

    Raises BackboneError where the weights are random or there are fewer blocks.
    """
    refuse_random(loaded, f"train.freeze: {depth}")
    model, frozen = loaded.model, set(_frozen(loaded, depth))
    for name, weight in model.named_parameters():
        weight.requires_grad_(name not in frozen)
    keep_statistics(model)
    return noted(loaded, model, _what(model, depth), head=anatomy.head(model, loaded.fresh))


def refuse_random(loaded: Loaded, setting: str) -> None:
    """Raise BackboneError where the weights are random: what is not trained would stay noise."""
    if loaded.source == "random":
        raise BackboneError(
            setting,
            f"{loaded.name} starts from random weights here, and those that are not trained would stay random. Use a "
            "pretrained backbone (model.name=FOLDER or a Hub name), or train all weights (train.adapter=none "
            "train.freeze=none).",
        )


def keep_statistics(model: Any) -> None:
    """Batch norms whose weights are frozen answer with the statistics of pretraining and leave them as they are.

    A hook does it, since whoever trains calls `model.train()` before every step.
    """
    for part in model.modules():
        weights = list(part.parameters(recurse=False))
        if getattr(part, "running_mean", None) is not None and not any(weight.requires_grad for weight in weights):
            part.register_forward_pre_hook(_to_evaluation)


def noted(loaded: Loaded, model: Any, what: str, *, head: tuple[str, ...]) -> Loaded:
    """The same backbone with the model that is trained, its count, and a note that says what of it is trained."""
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    note = (f"{what}: {trained:,} of {loaded.num_weights:,} weights are trained "
            f"({trained / loaded.num_weights:.2%}){', head included' if head else ''}")
    return replace(loaded, model=model, num_trained=trained,
                   note=f"{loaded.note}; {note}" if loaded.note else note)


def _to_evaluation(part: Any, _: Any) -> None:
    part.eval()


def _frozen(loaded: Loaded, depth: int | str) -> list[str]:
    model = loaded.model
    if depth == "backbone":
        head = anatomy.head(model, loaded.fresh)
        if not head:
            raise BackboneError("train.freeze: backbone", f"{loaded.name} writes with the weights that it came with, "
                                                          "and no head is left to be trained alone. Use 'embeddings', "
                                                          "a number of blocks, or train.adapter=lora.")
        return [name for name, _ in model.named_parameters() if not any(anatomy.within(name, part) for part in head)]
    num_blocks = len(anatomy.blocks(model))
    if not num_blocks:
        raise BackboneError(f"train.freeze: {depth}", f"no row of blocks was found in {loaded.name}. Use 'backbone' "
                                                      "to train the head alone, or 'none'.")
    if isinstance(depth, int) and depth > num_blocks:
        raise BackboneError(f"train.freeze: {depth}", f"{loaded.name} has {num_blocks} blocks. Use 1 to {num_blocks}, "
                                                      "or 'backbone' to train the head alone.")
    return anatomy.below(model, depth if isinstance(depth, int) else 0)


def _what(model: Any, depth: int | str) -> str:
    if isinstance(depth, int):
        return f"the embeddings or the stem and {depth} of {len(anatomy.blocks(model))} blocks are frozen"
    return {"embeddings": "the embeddings or the stem are frozen", "backbone": "the whole backbone is frozen"}[depth]
