"""The faster graphs of a run: with fused layers for CPUs, in half precision for GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.export import targets
from finetune.export.optimize import halve, optimize

if TYPE_CHECKING:
    from finetune.run.context import Run

CPU, GPU = "optimized", "fp16"  # names of the artefacts
NONE: dict[str, Any] = {"level": "none", "fused": {}}  # of models that write texts: an encoder and a decoder


def write(run: Run, files: dict[str, Path]) -> dict[str, Any]:
    """Write what the recipe asks for from `files["fp32"]` and add it to `files`; returns what was fused."""
    settings, source = run.recipe.export, files["fp32"]
    for_gpu = settings.target == targets.GPU
    file = source.parent / CPU / source.name
    fused = None
    if settings.optimize != "none":
        fused = optimize(source, file, settings.optimize, gpu=for_gpu)
        run.say(f"{GPU if for_gpu else CPU}: {_said(fused)}")
    if for_gpu:
        files[GPU] = source.parent / GPU / source.name
        halve(source if fused is None else file, files[GPU])
        if fused is not None:
            file.unlink()
            file.parent.rmdir()
        run.say("fp16 is meant for GPUs: it is judged on the CPU, so its speed on a GPU is not measured")
    elif fused is not None:
        files[CPU] = file
    return {"level": settings.optimize, "fused": fused or {}}


def _said(fused: dict[str, int] | None) -> str:
    if fused is None:
        return "this model has no layers that can be fused, so its graph stays as it is"
    return f"fused {', '.join(f'{number} {kind}' for kind, number in fused.items()) or 'constants alone'}"
