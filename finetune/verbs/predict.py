"""`finetune predict`."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from finetune.errors import DataError
from finetune.verbs.arguments import RunPlace, out

EXAMPLE = 'finetune predict runs/sentiment/last "What a lovely evening."'

PART = 256  # lines of standard input that are answered at once
Given = str | Mapping[str, str]
Inputs = Annotated[list[str] | None, typer.Argument(
    metavar="INPUT", help="Texts or picture paths, as many per answer as the task takes; without any, lines are "
                          "read from standard input.")]


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
    for part in [_grouped(inputs, model.roles)] if inputs else _parts(_lines(sys.stdin.buffer, model.roles)):
        for answer in model(part):
            if as_json:
                print(json.dumps(answer, ensure_ascii=False), file=redact.as_it_is(sys.stdout))
            else:
                out.print(_line(answer), soft_wrap=True)
        sys.stdout.flush()


def _grouped(inputs: Sequence[str], roles: Sequence[str]) -> list[Given]:
    """The arguments of every answer."""
    for text in inputs:
        _decoded(os.fsencode(text), "INPUT")
    if len(roles) == 1:
        return list(inputs)
    if len(inputs) % len(roles):
        raise DataError("INPUT", f"{len(inputs)} given, and every answer takes {len(roles)}: {', '.join(roles)}. Give "
                                 f"them in this order, each in quotes.")
    return [dict(zip(roles, inputs[start:], strict=False)) for start in range(0, len(inputs), len(roles))]


def _parts(given: Iterator[Given]) -> Iterator[list[Given]]:
    """What is answered at once, so that neither memory nor the first answer waits for the end; a person gets each."""
    while part := list(itertools.islice(given, 1 if sys.stdin.isatty() else PART)):
        yield part


def _lines(lines: Iterable[bytes], roles: Sequence[str]) -> Iterator[Given]:
    """Standard input, one answer a line: a text, or where a task takes several a JSON object."""
    for number, line in enumerate(lines, start=1):
        where = f"standard input: line {number}"
        text = _decoded(line.rstrip(b"\r\n"), where)
        yield text if len(roles) == 1 else _row(text, where, roles)


def _row(text: str, where: str, roles: Sequence[str]) -> dict[str, str]:
    try:
        row = json.loads(text, parse_int=str, parse_float=str)  # as the readers of rows take numbers
    except ValueError:
        row = None
    if not isinstance(row, dict) or set(row) != set(roles) or not all(isinstance(value, str) for value in row.values()):
        example = json.dumps(dict.fromkeys(roles, "..."))
        raise DataError(where, f"is not a JSON object with the texts asked for. Write every line as {example}.")
    return row


def _decoded(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(where, f"is not UTF-8: {content[:60]!r}. Write it in UTF-8.") from None


def _line(answer: Mapping[str, Any]) -> Text:
    """The answer, what speaks for it, and what was asked."""
    given, (first, *rest) = answer["input"], [value for name, value in answer.items() if name != "input"]
    asked = given if isinstance(given, str) else " | ".join(given.values())
    shown = "  ".join(filter(None, map(_brief, rest)))
    # A number may be of any size, a probability not.
    told = f"{first:.3g}" if isinstance(first, float) and 0 < abs(first) < 0.001 else _brief(first)
    parts = [(told or "none", "bold"), ("  ", ""), (shown, "dim"), ("  " if shown else "", ""), (asked, "")]
    return Text.assemble(*((" ".join(text.splitlines()), style) for text, style in parts))


def _brief(value: Any) -> str:
    """A value of an answer on a line: of probabilities the first three, of entities what they are."""
    if isinstance(value, Mapping):
        return "  ".join(f"{name} {_brief(part)}" for name, part in list(value.items())[:3])
    if isinstance(value, list):
        return ", ".join(part if isinstance(part, str) else f"{part['type']} {part['text']}" for part in value)
    return f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)
