"""`finetune predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from finetune.errors import DataError
from finetune.verbs.arguments import RunPlace, out

EXAMPLE = 'finetune predict runs/sentiment/last "What a lovely evening."'

Inputs = Annotated[list[str] | None, typer.Argument(
    metavar="INPUT", help="Texts, or paths of pictures, as many for every answer as the task takes; none reads lines "
                          "from standard input.")]


def verb(
    place: RunPlace,
    inputs: Inputs = None,
    as_json: Annotated[bool, typer.Option(
        "--json", help="One JSON object a line, with all that the model says.")] = False,
) -> None:
    """Answer from the exported model, without torch and transformers."""
    from finetune import redact
    from finetune.predict import Predictor

    model = Predictor.open(place)
    for answer in model(_grouped(inputs, model.roles) if inputs else _lines(model.roles)):
        if as_json:
            print(json.dumps(answer, ensure_ascii=False), file=redact.as_it_is(sys.stdout))
        else:
            out.print(_line(answer), soft_wrap=True)


def _grouped(inputs: Sequence[str], roles: Sequence[str]) -> list[str | Mapping[str, str]]:
    """The arguments of every answer."""
    if len(roles) == 1:
        return list(inputs)
    if len(inputs) % len(roles):
        raise DataError("INPUT", f"{len(inputs)} given, and every answer takes {len(roles)}: {', '.join(roles)}. Give "
                                 f"them in this order, each in quotes.")
    return [dict(zip(roles, inputs[start:], strict=False)) for start in range(0, len(inputs), len(roles))]


def _lines(roles: Sequence[str]) -> list[str | Mapping[str, str]]:
    """Standard input, one answer a line: a text, or where a task takes several a JSON object."""
    lines = [line.rstrip("\n") for line in sys.stdin]
    if len(roles) == 1:
        return list(lines)
    found: list[str | Mapping[str, str]] = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            example = json.dumps(dict.fromkeys(roles, "..."))
            raise DataError(f"standard input: line {number}", f"is not a JSON object. Write every line as {example}.")
        found.append({str(role): str(text) for role, text in row.items()})
    return found


def _line(answer: Mapping[str, Any]) -> Text:
    """The answer, what speaks for it, and what was asked."""
    given, (first, *rest) = answer["input"], [value for name, value in answer.items() if name != "input"]
    asked = given if isinstance(given, str) else " | ".join(given.values())
    shown = "  ".join(filter(None, map(_brief, rest)))
    return Text.assemble((_brief(first) or "none", "bold"), "  ", (shown, "dim"), "  " if shown else "", asked)


def _brief(value: Any) -> str:
    """A value of an answer on a line: of probabilities the first three."""
    if isinstance(value, Mapping):
        return "  ".join(f"{name} {_brief(part)}" for name, part in list(value.items())[:3])
    if isinstance(value, list):
        return ", ".join(map(_brief, value))
    return f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)
