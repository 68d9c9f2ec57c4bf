"""How int8 is written for the processor that will run it; a GPU is given 16-bit floats instead."""

from __future__ import annotations

from dataclasses import dataclass

from finetune.machine import describe

GPU = "cuda"


@dataclass(frozen=True, slots=True)
class Target:
    """Types of weights and activations (their ranges follow), and whether weights keep to seven bits."""

    name: str
    signed_activations: bool
    reduce_range: bool


# Products of u8 activations and s8 weights are added up in 32 bits by VNNI and AMX. Without them pairs are added in 16
# bits and saturate, so that results change from machine to machine unless weights keep to seven bits (ONNX Runtime's
# notes on quantization, "U8S8"). ARM multiplies signed by signed.
TARGETS = {target.name: target for target in (
    Target("cpu-amx", signed_activations=False, reduce_range=False),
    Target("cpu-vnni", signed_activations=False, reduce_range=False),
    Target("cpu-avx2", signed_activations=False, reduce_range=True),
    Target("arm64", signed_activations=True, reduce_range=False),
)}


def target(name: str) -> Target:
    """The target of that name; `auto` is this machine's."""
    return TARGETS[own() if name == "auto" else name]


def own() -> str:
    """The name of the target that this machine is."""
    flags = set(describe()["flags"])
    if "amx_int8" in flags:
        return "cpu-amx"
    if flags & {"avx512_vnni", "avx_vnni"}:
        return "cpu-vnni"
    return "arm64" if flags & {"asimddp", "i8mm"} else "cpu-avx2"
