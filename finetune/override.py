"""Overrides: `train.lr=3e-5` and a recipe make a new recipe; which keys there are, and what each means."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass, replace
from functools import reduce
from itertools import pairwise
from typing import Any

from finetune import spec, typed
from finetune.errors import SpecError, nearest

# What people type from other tools; used in the suggestion only, never accepted.
FROM_OTHER_TOOLS = {
    "learning_rate": "train.lr",
    "num_train_epochs": "train.length=3epochs",
    "epochs": "train.length=3epochs",
    "max_steps": "train.length=500steps",
    "per_device_train_batch_size": "train.batch",
    "batch_size": "train.batch",
    "gradient_accumulation_steps": "train.micro_batch",
    "warmup_ratio": "train.warmup",
    "max_grad_norm": "train.clip",
    "bf16": "train.precision=bf16",
    "lr_scheduler_type": "train.schedule",
    "model_name_or_path": "model.name",
    "train_file": "data.files.train",
    "validation_file": "data.files.validation",
    "test_file": "data.files.test",
    "max_seq_length": "task.max_tokens",
    "max_length": "task.max_tokens",
    "early_stopping_patience": "train.patience",
    "lora_r": "train.adapter=lora",
    "lora_alpha": "train.adapter=lora",
    "lora_dropout": "train.adapter=lora",
    "target_modules": "train.adapter=lora",
    "use_dora": "train.adapter=lora",
    "use_rslora": "train.adapter=lora",
    "class_weight": "train.class_weights=balanced",
    "focal_loss": "train.loss=focal",
    "dataset_name": "data.hub.name",
}


def apply(recipe: spec.Recipe, overrides: Sequence[str]) -> spec.Recipe:
    """A recipe with every `key=value` applied; all problems are raised together as one SpecError."""
    problems: dict[int, Sequence[str]] = {}
    # A part of what has just been switched on can be set, in whatever order the two were typed.
    wholes_first = sorted(enumerate(overrides), key=lambda item: item[1].partition("=")[0].count("."))
    for position, override in wholes_first:
        key, equals, text = override.partition("=")
        if not equals:
            problems[position] = [f"{override}: an override needs a value. Write {override}=VALUE."]
            continue
        try:
            recipe = _set(recipe, key.split("."), text=text, key=key)
        except LookupError:
            problems[position] = [_unknown(key, recipe)]
        except SpecError as error:
            problems[position] = error.problems
    if problems:
        raise SpecError([problem for position in sorted(problems) for problem in problems[position]])
    return recipe


def paths(recipe: spec.Recipe) -> list[str]:
    """Every key of a recipe, sorted; an open mapping is listed as `data.columns.<name>`."""
    return sorted(key for key, _, _ in _leaves(recipe, ""))


def values(recipe: spec.Recipe) -> dict[str, Any]:
    """Every key with its value as JSON can hold it."""
    found: dict[str, Any] = {}
    for key, value, _ in _leaves(recipe, ""):
        if isinstance(value, Mapping):
            found.update({key.replace("<name>", name): text for name, text in value.items()})
        else:
            found[key] = typed.show(value)
    return found


def origins(recipe: spec.Recipe, overrides: Sequence[str]) -> dict[str, str]:
    """Where every key's value comes from: the command line, the recipe, or the default."""
    given = {text.partition("=")[0] for text in overrides}
    usual = {key for key, value, default in _leaves(recipe, "") if value == default}
    return {key: "command line" if key in given else "default" if key in usual else "recipe" for key in values(recipe)}


def find(recipe: spec.Recipe, asked: str) -> list[str]:
    """The keys that a word names, itself or all below it; SpecError where there is none."""
    found = [key for key in paths(recipe) if f"{key}.".startswith(f"{asked}.")
             or (key.endswith(".<name>") and asked.startswith(key.removesuffix("<name>")))]
    if not found:
        raise SpecError([_unknown(asked, recipe)])
    return found


def meaning(recipe: spec.Recipe, key: str) -> tuple[str, str]:
    """What a key of `paths` means, in a sentence, and the values that it takes; empty where nothing is written down."""
    *parents, name = key.removesuffix(".<name>").split(".")
    owner = type(reduce(getattr, parents, recipe))
    kind = _kinds(owner)[name]
    allowed = "" if typing.get_origin(kind) is Mapping else typed.allowed(typed.options_of(kind))
    return _sentences(owner).get(name, ""), allowed


def _sentences(owner: type) -> dict[str, str]:
    """Field name to the text that stands below it in the source."""
    try:
        source = inspect.getsource(owner)
    except (OSError, TypeError):  # a task that a recipe file of the user's defines
        return {}
    made = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(made, ast.ClassDef)
    return {one.target.id: " ".join(str(text.value.value).split()) for one, text in pairwise(made.body)
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)}


def _leaves(value: Any, prefix: str) -> list[tuple[str, Any, Any]]:
    """(key, value, default) of every field below a frozen dataclass that a user can set."""
    found: list[tuple[str, Any, Any]] = []
    for item in _settable(value):
        inner, key = getattr(value, item.name), prefix + item.name
        if typing.get_origin(_kinds(type(value))[item.name]) is Mapping:
            found.append((f"{key}.<name>", inner, {}))
            continue
        if not _has_parts(inner) or _is_switch(inner):
            found.append((key, inner, item.default))
        if _has_parts(inner):
            found += _leaves(inner, f"{key}.")
    return found


def _set(value: Any, path: Sequence[str], *, text: str, key: str) -> Any:
    """`value` with the field at `path` replaced by the parsed text; LookupError where there is no such field."""
    kind = _kinds(type(value))[path[0]]
    inner = getattr(value, path[0])
    if typing.get_origin(kind) is Mapping:
        name = ".".join(path[1:])
        if not name:
            raise SpecError([f"{key}: is a mapping. Set one entry, as in {key.rstrip('.')}.NAME=VALUE."])
        return replace(value, **{path[0]: {**inner, name: text}})
    if len(path) > 1:
        if not _has_parts(inner):
            raise SpecError([_no_part(key, key.removesuffix("." + ".".join(path[1:])), kind)])
        return replace(value, **{path[0]: _set(inner, path[1:], text=text, key=key)})
    if _has_parts(inner) and not _is_switch(inner):
        allowed = ", ".join(f"{key}.{item.name}" for item in _settable(inner))
        raise SpecError([f"{key}: has parts and takes no value itself. Allowed: {allowed}."])
    found = typed.parse(text, kind, key)
    # What is on already keeps the parts that the recipe gave it.
    return value if _is_switch(found) and isinstance(inner, type(found)) else replace(value, **{path[0]: found})


def _has_parts(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, typed.ONE_VALUE)


def _is_switch(value: Any) -> bool:
    return isinstance(value, tuple(typed.METHODS.values()))


def _no_part(key: str, whole: str, kind: Any) -> str:
    off = [name for name, method in typed.METHODS.items() if method in typing.get_args(kind)]
    if not off:
        return f"{key}: '{whole.rpartition('.')[2]}' has no parts. Use {whole}=VALUE."
    return f"{key}: {whole} is none, so it has no parts. Add {whole}={off[0]}, or leave this out."


def _kinds(owner: type) -> dict[str, Any]:
    """Field name to type; class constants of a task are no settings."""
    hints = typing.get_type_hints(owner, localns={"Task": object})
    return {item.name: hints[item.name] for item in _settable(owner)}


def _settable(owner: Any) -> list[Field[Any]]:
    """The fields that a user can set; others a task learns from the rows."""
    return [item for item in fields(owner) if not item.metadata.get("learnt")]


def _unknown(key: str, recipe: spec.Recipe) -> str:
    known = paths(recipe)
    other = FROM_OTHER_TOOLS.get(key.split(".")[-1])
    here = other is not None and other.partition("=")[0] in known
    hint = f" Did you mean {other!r}?" if here else nearest(key, known)
    group = f"{key.split('.')[0]}."
    allowed = [path for path in known if path.startswith(group)] or sorted({path.split(".")[0] for path in known})
    return f"{key}: there is no such key. Allowed: {', '.join(allowed)}.{hint}"
