"""Whether an architecture can do a task, from its config.json: no weights are loaded for it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from typing import Any

from finetune.backbones import tiny
from finetune.errors import some

PICTURES, WRITES = "AutoModelForImageClassification", "AutoModelForSeq2SeqLM"
WRAPPER = "timm_wrapper"  # what transformers calls all networks of timm


def why_not(config: Mapping[str, Any], auto: str, task: str, *, family: str) -> str:
    """What to tell of a backbone that cannot do a task, with those that can; empty where it can.

    `auto` names the Auto class of the task's head, and `task` the task in words.
    """
    kind = config.get("model_type")
    if family == "timm":
        return "" if kind == WRAPPER or (kind is None and "architecture" in config) else _not_timm(kind, auto, task)
    if kind == WRAPPER or (kind is None and "architecture" in config):
        return f"its architecture is one of timm{_reads(auto, task)}"
    if kind is None:
        return f"its config.json names no model_type. {_those(auto, task)}"
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    unknown = kind not in CONFIG_MAPPING_NAMES
    if unknown and config.get("auto_map"):
        return (f"its architecture, {kind}, exists only as code that comes with the weights (auto_map), and such code "
                f"is never run here. {_those(auto, task)}")
    if unknown:
        return (f"its config.json says model_type {kind!r}, which transformers {_version()} does not have: it may be "
                f"newer, or of another library. {_those(auto, task)}")
    if kind in able(auto):
        return ""
    what = ", an encoder with a decoder that writes texts" if kind in able(WRITES) else ""
    return f"its architecture is {kind}{what}, which cannot do {task}. {_those(auto, task)}"


def able(auto: str) -> tuple[str, ...]:
    """The architectures of transformers that an Auto class has; encoders with decoders only where texts are written.

    Such have classes for other tasks, too, but no head behind the encoder that could be trained alone, and Optimum
    exports few of them.
    """
    found = _class(auto)
    if auto == WRITES:
        return found
    pairs = _class(WRITES)
    return tuple(kind for kind in found if kind not in (*pairs, WRAPPER))


def _class(auto: str) -> tuple[str, ...]:
    """The architectures that an Auto class has, read from its table of names: asking the class would load them all."""
    from transformers.models.auto import modeling_auto

    return tuple(getattr(modeling_auto, auto)._model_mapping._model_mapping)


def _not_timm(kind: Any, auto: str, task: str) -> str:
    if kind in able(auto):
        return f"its architecture is {kind}, which is read by the loader of transformers. Set model.family=hf."
    return (f"its config.json names no architecture of timm ({kind or 'nothing'} is there). {_those(auto, task)} Those "
            "are read with model.family=hf, and with model.family=timm all networks of timm.")


def _reads(auto: str, task: str) -> str:
    if auto == PICTURES:
        return ". Set model.family=timm."
    return f", which sees pictures and cannot do {task}. {_those(auto, task)}"


def _those(auto: str, task: str) -> str:
    """`These can do text classification: bert, roberta (tested here), albert, electra and 70 more.`"""
    names = able(auto)
    tested = [kind for kind in _tested() if kind in names]
    others = some((kind for kind in names if kind not in tested), limit=4)
    return f"These can do {task}: {', '.join(tested)} (tested here), {others}."


def _tested() -> Iterable[str]:
    return (*tiny.TEXT, *tiny.SEQ2SEQ, *tiny.IMAGE)


def _version() -> str:
    return importlib.metadata.version("transformers")
