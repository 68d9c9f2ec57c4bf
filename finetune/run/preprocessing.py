"""What is done to every text or picture before a model sees it, and where each value was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Examples, Loaded, Task
    from finetune.run.context import Run

SMALLEST_INPUT = 32  # pixels; below it the strides of a ResNet leave nothing
SMALL = 64  # pixels; random weights see pictures up to here at twice their size
LOOKED_AT = 1000  # training texts, for what the backbone does not know
MOST_UNKNOWN = 0.05  # of the tokens: English has none, Chinese read by an English BERT 57 %
Values = dict[str, dict[str, Any]]  # setting -> value, and what it comes from in words


def fit_to_rows(run: Run, task: Task, *, sample: bool) -> Task:
    """The task with an input size for random weights: the recipe's for its sample, else twice that of small pictures.

    A backbone's own would be mostly padding.
    """
    model = run.recipe.model
    stands_in = sample and model.sample is not None
    if getattr(task, "image_size", 0) is not None or not (model.random or stands_in):
        return task
    if stands_in and model.sample_size is not None:
        return replace(task, image_size=model.sample_size)  # type: ignore[type-var]  # a dataclass
    from finetune.data.images import open_image

    cells = run.folder.table("train")["image"][:64].to_pylist()
    side = int(np.median([min(open_image(cell).size) for cell in cells]))
    size = max(SMALLEST_INPUT, 2 * side)
    return replace(task, image_size=size) if side <= SMALL else task  # type: ignore[type-var]  # a dataclass


def values(run: Run, loaded: Loaded, task: Task) -> Values:
    """Every value, for the run's `train.json`."""
    return _of_pictures(run, loaded, task) if "image" in task.roles.values() else _of_texts(run, loaded, task)


def said(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The same in plain lines: `pictures 224 x 224, bicubic, mean 0.485 0.456 0.406 (the weights' ...)`."""
    if not found:  # of a run that was begun before this was kept
        return []
    shown = {name: entry["value"] for name, entry in found.items()}
    if "size" in found:
        size, weights = found["size"]["from"], found["mean"]["from"]
        mean, std = (" ".join(f"{value:.3g}" for value in shown[name]) for name in ("mean", "deviation"))
        return [f"pictures {shown['size']} x {shown['size']}{f' ({size})' if size != weights else ''}, "
                f"{shown['kept']}, {shown['filter']}, mean {mean}, deviation {std} ({weights})"]
    lines = [f"texts {shown['writing']} ({found['writing']['from']}), {shown['cut']} {shown['max_tokens']:,} tokens "
             f"({found['max_tokens']['from']})"]
    if "max_answer_tokens" in found:
        answer = found["max_answer_tokens"]
        lines.append(f"texts to be written: at most {answer['value']:,} tokens ({answer['from']})")
    return lines


def unknown(examples: Examples) -> list[str]:
    """A line where the backbone has no piece for much of the first texts: it was pretrained on another language."""
    tokenizer = getattr(examples.processor, "tokenizer", None)
    mark = tokenizer and tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", None) or "<unk>")
    if mark is None:
        return []
    few = [examples[place] for place in range(min(len(examples), LOOKED_AT))]
    ids = [piece for example in few for part in example.get("windows", [example]) for piece in part["input_ids"]]
    share = ids.count(mark) / max(len(ids), 1)
    return [f"{share:.0%} of the tokens of the training texts are unknown to this backbone, which may not have their "
            "language: name one that does (model.name=...)"] if share > MOST_UNKNOWN else []


def _of_pictures(run: Run, loaded: Loaded, task: Task) -> Values:
    processor, weights = loaded.processor, loaded.settings_from
    return {
        "size": {"value": processor.size, "from": _size_from(run, task) or weights},
        "kept": {"value": _kept(processor.crop), "from": weights},
        "filter": {"value": processor.resample, "from": weights},
        "mean": {"value": list(processor.mean), "from": weights},
        "deviation": {"value": list(processor.std), "from": weights},
    }


def _size_from(run: Run, task: Task) -> str:
    """Who set the size of the pictures; empty where it is that of the weights."""
    if getattr(run.recipe.task, "image_size", None) is not None:
        return _set_by(run, "task.image_size")
    if getattr(task, "image_size", None) is None:
        return ""
    if run.recipe.model.sample_size == task.image_size:  # type: ignore[attr-defined]  # it has one
        return _set_by(run, "model.sample_size")
    return "since the weights are random: twice the pictures' own, and at least 32"


def _kept(crop: float | None) -> str:
    """What of a picture is seen."""
    if crop is None:
        return "squashed to a square"
    return "the middle square" if crop >= 1 else f"the middle {crop:.1%} of the shorter side"


def _of_texts(run: Run, loaded: Loaded, task: Task) -> Values:
    processor = loaded.processor
    asked = getattr(task, "max_tokens", processor.max_tokens)
    known = f"{_set_by(run, 'task.max_tokens')}; the backbone can take {processor.max_tokens:,}"
    if asked > processor.max_tokens:
        known = f"all that the backbone can take; task.max_tokens is {asked:,}"
    found = {
        "writing": {"value": _writing(processor.tokenizer), "from": loaded.settings_from},
        "max_tokens": {"value": min(asked, processor.max_tokens), "from": known},
        "cut": {"value": "in windows of at most" if hasattr(task, "overlap") else "at most", "from": "the task"},
    }
    if task.head.decoding is not None:
        found["max_answer_tokens"] = {"value": task.head.decoding.max_tokens,
                                      "from": _set_by(run, "task.max_summary_tokens")}
    return found


def _writing(tokenizer: Any) -> str:
    """What a tokenizer makes of capitals and accents."""
    normalizer = tokenizer.normalizer
    letter = normalizer.normalize_str("\u00c9") if normalizer is not None else "\u00c9"
    return {"e": "in lower case without accents", "\u00e9": "in lower case", "e\u0301": "in lower case",
            "E": "without accents"}.get(letter, "as they are written")


def _set_by(run: Run, key: str) -> str:
    """`task.max_tokens of the recipe`."""
    entry = run.folder.read("recipe.json")["values"].get(key) or {}
    where = {"command line": "of the command line", "recipe": "of the recipe"}.get(str(entry.get("from")), "by default")
    return f"{key} {where}"
