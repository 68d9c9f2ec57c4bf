"""`finetune export`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Annotated

import typer

from finetune.verbs.arguments import RunPlace, out

EXAMPLE = "finetune export runs/sentiment/last"


def verb(
    place: RunPlace,
    *,
    quantize: Annotated[str | None, typer.Option(
        "--quantize", metavar="FORM", help="int8_dynamic, int8_static or none, instead of the run's own.")] = None,
    target: Annotated[str | None, typer.Option(
        "--target", metavar="PROCESSOR",
        help="auto, cpu-amx, cpu-vnni, cpu-avx2, arm64; cuda for fp16.")] = None,
    optimize: Annotated[str | None, typer.Option(
        "--optimize", metavar="LEVEL", help="Optimise for ONNX Runtime: none, O1, O2 or O3.")] = None,
    rescue: Annotated[bool | None, typer.Option(
        "--rescue/--no-rescue", help="Whether to search for an int8 form that passes where the first fails.")] = None,
) -> None:
    """Export a trained run again and judge it.

    Ends with exit code 4 when an exported model fails the gate.
    """
    from finetune import checks, override
    from finetune.errors import DataError, ExportError, SpecError
    from finetune.run import folder, pipeline

    made = pipeline.reopen(folder.open_run(place), out)
    if made.folder.next_stage in ("prepare", "train", "evaluate"):
        raise DataError(str(place), f"has not been trained and evaluated yet (next stage: {made.folder.next_stage}). "
                                    f"Go on with: finetune run {made.name} --resume {made.folder.path}")
    if target == "cuda" and quantize is None:
        quantize = "none"
    given = {"quantize": quantize, "target": target, "optimize": optimize,
             "rescue": None if rescue is None else str(rescue).lower()}
    settings = [f"export.{name}={value}" for name, value in given.items() if value is not None]
    made = replace(made, recipe=override.apply(made.recipe, settings))
    if problems := checks.problems(made.recipe):
        raise SpecError(problems)
    options = [word for name, value in given.items() if value and name != "rescue" for word in (f"--{name}", value)]
    options += [] if rescue is None else ["--rescue" if rescue else "--no-rescue"]
    pipeline.export_again(made, again=shlex.join(["finetune", "export", str(place), *options]))
    failed = made.folder.read("onnx/report.json")
    if failed["verdict"] == "fail":
        passed = made.folder.path / "onnx"
        raise ExportError("export", f"{failed['reason']}. The failed model is withheld; what passed is in {passed}.")
