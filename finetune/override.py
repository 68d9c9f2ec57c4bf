"""Overrides: `train.lr=3e-5` and a recipe make a new recipe, typed by the fields of `spec.py`."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass, replace
from typing import Any, Literal, Union

from finetune import spec
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

LENGTHS: dict[str, type[spec.Length]] = {"steps": spec.Steps, "epochs": spec.Epochs, "rows": spec.Rows}
# On by name, or none; their parts can be set too.
METHODS: dict[str, type] = {"int8_dynamic": spec.Int8Dynamic, "int8_static": spec.Int8Static, "lora": spec.Lora}
ONE_VALUE = tuple(LENGTHS.values())  # dataclasses that a user writes as one value


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
            found[key] = show(value)
    return found


def origins(recipe: spec.Recipe, overrides: Sequence[str]) -> dict[str, str]:
    """Where every key's value comes from: the command line, the recipe, or the default."""
    given = {text.partition("=")[0] for text in overrides}
    usual = {key for key, value, default in _leaves(recipe, "") if value == default}
    return {key: "command line" if key in given else "default" if key in usual else "recipe" for key in values(recipe)}


def show(value: Any) -> Any:
    """A value in the spelling that an override accepts."""
    for unit, kind in LENGTHS.items():
        if isinstance(value, kind):
            return f"{int(value.n) if float(value.n).is_integer() else value.n}{unit}"
    for name, kind in METHODS.items():
        if isinstance(value, kind):
            return name
    return list(value) if isinstance(value, tuple) else value


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
    found = parse(text, kind, key)
    # What is on already keeps the parts that the recipe gave it.
    return value if _is_switch(found) and isinstance(inner, type(found)) else replace(value, **{path[0]: found})


def _has_parts(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, ONE_VALUE)


def _is_switch(value: Any) -> bool:
    return isinstance(value, tuple(METHODS.values()))


def _no_part(key: str, whole: str, kind: Any) -> str:
    off = [name for name, method in METHODS.items() if method in typing.get_args(kind)]
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


def parse(text: str, kind: Any, key: str) -> Any:
    """The text as a value of the annotated type; a SpecError says what is allowed."""
    options = typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)
    if type(None) in options and text.lower() in ("none", "null"):
        return None
    for option in options:
        value = _try(text, option)
        if value is not None:
            return value
    literals = [name for option in options for name in _literals(option)]
    hint, example = nearest(text, literals), _example(options)
    raise SpecError([f"{key}: {text!r} found, allowed is {_allowed(options)}.{hint} For example {key}={example}."])


def _try(text: str, option: Any) -> Any:
    """The text as this one type, or None where it does not fit."""
    if typing.get_origin(option) is Literal:
        return text if text in typing.get_args(option) else None
    if typing.get_origin(option) is tuple:
        parts = tuple(part.strip() for part in text.strip("[]()").split(",") if part.strip())
        values = tuple(_try(part, typing.get_args(option)[0]) for part in parts)
        return () if text.lower() in ("none", "[]") else None if None in values else values or None
    if option is bool:
        return {"true": True, "false": False}.get(text.lower())
    if option is int:
        return int(text.replace("_", "")) if re.fullmatch(r"-?\d[\d_]{,17}", text) else None
    if option is float:
        return _float(text)
    if option in LENGTHS.values():
        return _length(text, option)
    if option in METHODS.values():
        return option() if text in _literals(option) else None
    return text if option is str else None


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _length(text: str, option: Any) -> Any:
    match = re.fullmatch(r"(\d[\d_]{,17}(?:\.\d+)?(?:e-\d\d?)?)\s*([a-z]+)", text.lower())
    kind = LENGTHS.get(match[2].rstrip("s") + "s") if match else None
    if not match or kind is None or kind is not option:
        return None
    number = float(match[1].replace("_", ""))
    if kind is spec.Epochs:
        return kind(number)
    return kind(int(number)) if number.is_integer() else None


def _literals(option: Any) -> tuple[str, ...]:
    if typing.get_origin(option) is Literal:
        return typing.get_args(option)
    return tuple(name for name, kind in METHODS.items() if kind is option)


def _allowed(options: Sequence[Any]) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", type(None): "none"}
    found: list[str] = []
    for option in options:
        if _literals(option):
            found += _literals(option)
        elif option in LENGTHS.values():
            found.append(_example([option]))
        elif typing.get_origin(option) is tuple:
            found.append(f"a list such as {_example([option])}")
        else:
            found.append(words[option])
    return " or ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def _example(options: Sequence[Any]) -> str:
    examples = {bool: "true", int: "32", float: "3e-5", str: "name", spec.Steps: "500steps", spec.Epochs: "3epochs",
                spec.Rows: "10000rows", **{kind: name for name, kind in METHODS.items()}}
    first = next(option for option in options if option is not type(None))
    if typing.get_origin(first) is Literal:
        return str(json.loads(json.dumps(typing.get_args(first)[0])))
    if typing.get_origin(first) is tuple:
        return "0.3,0.5" if typing.get_args(first)[0] is float else "a,b,c"
    return examples.get(first, "a,b")
