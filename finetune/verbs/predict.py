"""`finetune predict`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.text import Text

from finetune.verbs.arguments import RunPlace, out

EXAMPLE = 'finetune predict runs/sentiment/last "What a lovely evening."'

Inputs = Annotated[list[str] | None, typer.Argument(
    metavar="INPUT", help="Texts, or paths of pictures; none reads lines from standard input.")]


def verb(
    place: RunPlace,
    inputs: Inputs = None,
    as_json: Annotated[bool, typer.Option(
        "--json", help="One JSON object a line, with every label's probability.")] = False,
) -> None:
    """Answer from the exported model, without torch and transformers."""
    from finetune import redact
    from finetune.predict import Predictor

    given = inputs or [line.rstrip("\n") for line in sys.stdin]
    for answer in Predictor.open(place)(given):
        if as_json:
            print(json.dumps({"input": answer.input, "label": answer.label, "probabilities": answer.probabilities},
                             ensure_ascii=False), file=redact.as_it_is(sys.stdout))
        else:
            ranked = "  ".join(f"{name} {share:.3f}" for name, share in list(answer.probabilities.items())[:3])
            out.print(Text.assemble((answer.label, "bold"), "  ", (ranked, "dim"), "  "), end="", soft_wrap=True)
            out.print(answer.input, markup=False, highlight=False, soft_wrap=True)
