"""The faster graphs of a run: with fused layers for CPUs, in half precision for GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.errors import ExportError
from finetune.export import targets
from finetune.export.optimize import halve, optimize

if TYPE_CHECKING:
    from finetune.run.context import Run

CPU, GPU = "optimized", "fp16"  # names of the artefacts


def write(run: Run, files: dict[str, Path], *, decoding: bool) -> dict[str, Any]:
    """Write what the recipe asks for from `files["fp32"]` and add it to `files`; returns what was fused.

    Models that write texts (`decoding`) are two graphs, which stay as they are. Raises ExportError where such a model
    is to be halved.
    """
    settings, source = run.recipe.export, files["fp32"]
    for_gpu = settings.target == targets.GPU
    if decoding:
        return _left(run, for_gpu=for_gpu)
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


def _left(run: Run, *, for_gpu: bool) -> dict[str, Any]:
    if for_gpu:
        raise ExportError("export.target", "cuda found, and models that write texts are exported for CPUs alone. "
                                           "Use auto.")
    if run.recipe.export.optimize != "none":
        run.say(f"{CPU}: encoder and decoder of a model that writes texts stay as they are")
    return {"level": "none", "fused": {}}


def _said(fused: dict[str, int] | None) -> str:
    if fused is None:
        return "this model has no layers that can be fused, so its graph stays as it is"
    return f"fused {', '.join(f'{number} {kind}' for kind, number in fused.items()) or 'constants alone'}"
