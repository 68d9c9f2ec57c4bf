"""The value of a setting from the text that a user types, and back: which types there are, and what each allows."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Sequence
from typing import Any, Literal, Union

from finetune import spec
from finetune.errors import SpecError, nearest

LENGTHS: dict[str, type[spec.Length]] = {"steps": spec.Steps, "epochs": spec.Epochs, "rows": spec.Rows}
# On by name, or none; their parts can be set too.
METHODS: dict[str, type] = {"int8_dynamic": spec.Int8Dynamic, "int8_static": spec.Int8Static, "lora": spec.Lora}
ONE_VALUE = tuple(LENGTHS.values())  # dataclasses that a user writes as one value


def show(value: Any) -> Any:
    """A value in the spelling that an override accepts."""
    for unit, kind in LENGTHS.items():
        if isinstance(value, kind):
            return f"{int(value.n) if float(value.n).is_integer() else value.n}{unit}"
    for name, kind in METHODS.items():
        if isinstance(value, kind):
            return name
    return list(value) if isinstance(value, tuple) else value


def parse(text: str, kind: Any, key: str) -> Any:
    """The text as a value of the annotated type; a SpecError says what is allowed."""
    options = options_of(kind)
    if type(None) in options and text.lower() in ("none", "null"):
        return None
    for option in options:
        value = _try(text, option)
        if value is not None:
            return value
    literals = [name for option in options for name in _literals(option)]
    hint, example = nearest(text, literals), _example(options)
    raise SpecError([f"{key}: {text!r} found, allowed is {allowed(options)}.{hint} For example {key}={example}."])


def options_of(kind: Any) -> tuple[Any, ...]:
    """The types of a union, or the one type that it is."""
    return typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)


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


def allowed(options: Sequence[Any]) -> str:
    """The values of these types, as a sentence lists them."""
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
