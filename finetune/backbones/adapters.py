"""LoRA, rsLoRA and DoRA: the only file that imports peft."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peft
from torch import nn

from finetune.backbones import anatomy, freeze
from finetune.errors import BackboneError, nearest

if TYPE_CHECKING:
    from finetune.contracts import Loaded
    from finetune.spec import Lora


def attach(loaded: Loaded, lora: Lora) -> Loaded:
    """The backbone, frozen, with adapters on its layers (Hu et al., 2021); its head is trained in full.

    rslora scales by alpha / sqrt(rank) (Kalajdzievski, 2023), dora also trains the length of every output's weights
    (Liu et al., 2024). Raises BackboneError for random weights and for targets that are no layer.
    """
    freeze.refuse_random(loaded, "train.adapter")
    model = loaded.model
    head = anatomy.head(model, loaded.fresh)
    targets = _targets(loaded, lora, head)
    config = peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets,
        modules_to_save=list(head) or None, use_rslora=lora.method == "rslora", use_dora=lora.method == "dora",
    )
    adapted = peft.get_peft_model(model, config)
    # Who loads the adapter elsewhere needs the backbone's name; peft would take the folder it was read from.
    config.base_model_name_or_path, config.revision = loaded.name, loaded.revision
    freeze.keep_statistics(adapted)
    beside = f" beside the head ({', '.join(head)})" if head else ""
    what = f"{lora.method} of rank {lora.rank} on {len(targets)} layers ({', '.join(_offered(targets))}){beside}"
    return freeze.noted(loaded, adapted, what, head=head)


def save(adapted: Any, folder: Path) -> None:
    """Write adapter and head in peft's own format: `adapter_config.json` and `adapter_model.safetensors`."""
    config = adapted.peft_config["default"]
    config.target_modules = sorted(config.target_modules)  # a set, whose order changes from process to process
    # "auto" would ask the Hub whether the vocabulary has grown (peft 0.21); it never does here.
    adapted.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink()  # a form with nothing filled in


def merge(adapted: Any) -> Any:
    """The plain model with the adapters worked into its weights; takes the adapted one apart."""
    return adapted.merge_and_unload()


def _targets(loaded: Loaded, lora: Lora, head: tuple[str, ...]) -> list[str]:
    """Full names of the layers that get an adapter."""
    model = loaded.model
    layers = _layers(model, head)
    if not layers:
        raise BackboneError("train.adapter", f"{loaded.name} has neither linear layers nor plain convolutions, so "
                                             "there is nothing to adapt. Use train.adapter=none.")
    if lora.targets == "auto":
        return layers
    chosen = [name for name in layers if any(_ends(name, target) for target in lora.targets)]
    offered = _offered(layers)
    unknown = [target for target in lora.targets if not any(_ends(name, target) for name in layers)]
    if unknown:
        hints = "".join(nearest(target, [*offered, *(name.rpartition(".")[2] for name in offered)])
                        for target in unknown[:1])
        raise BackboneError(f"train.adapter.targets: {', '.join(unknown)}",
                            f"no layer of {loaded.name} is called that. Layers: {', '.join(offered)}, each also by its "
                            f"last word; or auto.{hints}")
    return chosen


def _layers(model: Any, head: tuple[str, ...]) -> list[str]:
    """What can be adapted: the linear layers of the blocks, or their convolutions where they have no linear layer.

    Exact types only: a subclass computes something else with its weights. Where no blocks are found, all of the
    network but the head.
    """
    row = anatomy.blocks(model) or ("",)
    inside = {name: part for name, part in model.named_modules()
              if any(anatomy.within(name, block) for block in row)
              and not any(anatomy.within(name, part) for part in head)}
    linear = [name for name, part in inside.items() if type(part) is nn.Linear]
    return linear or [name for name, part in inside.items() if type(part) is nn.Conv2d and part.groups == 1]


def _ends(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _offered(names: list[str]) -> list[str]:
    """Names within a block, each once: what follows `layer.3` or timm's `s1.b3` in a full name."""
    return list(dict.fromkeys(re.sub(r".*\.[a-z]?\d+\.", "", name) for name in names))
