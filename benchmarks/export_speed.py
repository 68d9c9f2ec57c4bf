"""How fast exported models answer one row: `make bench NAME=export_speed ARGS="text|images [THREADS]"`.

Shapes of BERT-base and ResNet-50 with random weights, which say nothing of scores; those stand in `onnx/report.json` of
every run. All sides take turns within one process. `memory [ROWS...]` measures what calibrating holds above its start.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetune.export import speed
from finetune.export.optimize import optimize
from finetune.export.quantize import Form, quantize
from finetune.export.session import Session
from finetune.export.targets import target
from finetune.machine import describe
from finetune.spec import Int8Dynamic, Int8Static

LENGTHS = (16, 32, 64, 128)
ROUNDS, ANSWERS = 8, 3  # in each round every side answers so often in a row, after one answer that is not counted
EAGER, PLAIN = "PyTorch fp32 eager", "ONNX Runtime fp32, Optimum's default"
INT8 = "our int8"
LIBRARIES = ("torch", "transformers", "optimum", "optimum-onnx", "onnxruntime")
CALIBRATED = (128, 4096)  # pictures
Inputs = Mapping[str, np.ndarray]
Side = Callable[[Inputs], Any]


def main() -> None:
    """One shape on as many threads as are asked for; all cores where nothing is said."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    what, *rest = sys.argv[1:] or ["text"]
    if what == "calibrate":  # a process of its own, started by `memory`
        return calibrate(Path(rest[0]), rest[1], int(rest[2]))
    print("  ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES))
    print(f"{describe()['cpu']}: {', '.join(describe()['flags'])}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as place:
        if what == "memory":
            return memory(Path(place), [int(rows) for rows in rest] or CALIBRATED)
        {"text": text, "images": images}[what](Path(place), int(rest[0]) if rest else len(os.sched_getaffinity(0)))
    return None


def text(place: Path, threads: int) -> None:
    """BERT-base shape, one row of 16 to 128 tokens."""
    from transformers import BertConfig, BertForSequenceClassification

    model = BertForSequenceClassification(BertConfig(attn_implementation="eager"))
    spread(model, 0.05)
    plain, file = place / "plain" / "model.onnx", place / "ours" / "model.onnx"
    model.save_pretrained(place / "weights")
    export(BertForSequenceClassification.from_pretrained(place / "weights"), plain, task="text-classification")
    export(model, file, task="text-classification")
    optimized, small, peer = place / "o" / "model.onnx", place / "q" / "model.onnx", place / "p" / "model.onnx"
    print("fused:", optimize(file, optimized, "O2"))
    quantize(optimized, small, Form(settings=Int8Dynamic(), target=target("auto")))
    quantize(plain, peer, Form(settings=Int8Dynamic(), target=target("auto")))
    sides: dict[str, Side] = {
        EAGER: torch_side(model, threads), PLAIN: plain_side(plain, threads),
        "our fp32": Session(file, threads=threads), "our optimized": Session(optimized, threads=threads),
        "int8 of Optimum's default": plain_side(peer, threads), INT8: Session(small, threads=threads),
        "our int8, sums fused too": plain_side(small, threads),
    }
    rng = np.random.default_rng(0)
    for tokens in LENGTHS:
        ids = rng.integers(1000, 20000, (1, tokens))
        row = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        found = interleaved(sides, row, threads)
        table(f"BERT-base shape, 1 row of {tokens} tokens, {threads} threads", found)
        verdict(found, [(EAGER, 3.5, 4.5, True), (PLAIN, 2.5, 3.0, True), (EAGER, 2.0, 2.0, False)])


def images(place: Path, threads: int) -> None:
    """ResNet-50 shape, one picture of 224 pixels."""
    model, file, small = resnet(50), place / "plain" / "model.onnx", place / "q" / "model.onnx"
    export(model, file, task="image-classification")
    quantize(file, small, Form(settings=Int8Static(), target=target("auto")), rows=pictures(16))
    sides: dict[str, Side] = {EAGER: torch_side(model, threads), PLAIN: plain_side(file, threads),
                              INT8: Session(small, threads=threads)}
    found = interleaved(sides, next(pictures(1)), threads)
    table(f"ResNet-50 shape, 1 picture of 224 pixels, {threads} threads", found)
    verdict(found, [(PLAIN, 1.8, 2.2, None)])


def memory(place: Path, numbers: Sequence[int]) -> None:
    """Peak of a process that measures ranges, above what it held before it began: at most 1 GiB, however many rows."""
    for depth in (50, 18):
        export(resnet(depth), place / str(depth) / "model.onnx", task="image-classification")
    fewest, most = min(numbers), max(numbers)
    plan = [*((50, "minmax", rows) for rows in numbers),
            *((18, ranges, fewest) for ranges in ("minmax", "entropy", "percentile")), (18, "minmax", most)]
    for depth, ranges, rows in plan:
        command = [sys.executable, __file__, "calibrate", str(place / str(depth) / "model.onnx"), ranges, str(rows)]
        print(f"ResNet-{depth} shape, 224 pixels, {ranges}, {rows:,} rows: "
              + subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1], flush=True)


def calibrate(file: Path, ranges: Any, rows: int) -> None:
    """Static int8 of a model from so many made-up pictures; prints what it took."""
    import optimum.onnxruntime  # noqa: F401  # so that libraries count as start

    before, started = resident("VmRSS"), time.perf_counter()
    form = Form(settings=Int8Static(ranges=ranges), target=target("auto"))
    quantize(file, file.parent / "q" / "model.onnx", form, rows=pictures(rows))
    print(f"{resident('VmHWM') - before:.0f} MiB above start ({before:.0f} MiB), {time.perf_counter() - started:.0f} s")


def resident(entry: str) -> float:
    """MiB of this process: VmRSS what it holds, VmHWM the most it ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 1024


def resnet(depth: int) -> Any:
    """A ResNet with random weights; its normalizations have seen some pictures, so that activations keep their size."""
    import torch
    from transformers import ResNetConfig, ResNetForImageClassification

    parts = {18: {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512]}, 50: {}}[depth]
    torch.manual_seed(0)
    model = ResNetForImageClassification(ResNetConfig(num_labels=10, **parts)).train()
    with torch.inference_mode():
        for _ in range(3):
            model(torch.randn(4, 3, 224, 224))
    return model.eval()


def pictures(number: int) -> Iterator[dict[str, np.ndarray]]:
    """Batches of one picture, made when they are asked for."""
    rng = np.random.default_rng(0)
    for _ in range(number):
        yield {"pixel_values": rng.standard_normal((1, 3, 224, 224), dtype=np.float32)}


def spread(model: Any, deviation: float) -> None:
    """Larger random weights than those of a fresh model, so that activations are spread as in a trained one."""
    import torch

    torch.manual_seed(0)
    for weight in model.eval().parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=deviation)


def export(model: Any, file: Path, *, task: str) -> None:
    """Optimum's own export, with the configuration beside it."""
    from optimum.exporters.onnx import onnx_export_from_model

    onnx_export_from_model(model, file.parent, task=task, opset=17, device="cpu", do_validation=False,
                           no_post_process=True)


def torch_side(model: Any, threads: int) -> Side:
    """PyTorch as it is, on as many threads as the others."""
    import torch

    torch.set_num_threads(threads)

    def answer(inputs: Inputs) -> Any:
        with torch.inference_mode():
            return model(**{name: torch.from_numpy(value) for name, value in inputs.items()}).logits
    return answer


def plain_side(file: Path, threads: int) -> Side:
    """A session as ONNX Runtime opens it where nothing but the threads is said."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    return lambda inputs: session.run(None, {name: inputs[name] for name in names})


def interleaved(sides: Mapping[str, Side], row: Inputs, threads: int) -> dict[str, tuple[float, float]]:
    """Median milliseconds of wall time and, on one thread, of computing time, by side."""
    wall: dict[str, list[float]] = {name: [] for name in sides}
    own: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            time.sleep(speed.REST)  # as the gate does
            side(row)
            for _ in range(ANSWERS):
                clock, used = time.perf_counter(), time.thread_time()
                side(row)
                wall[name].append((time.perf_counter() - clock) * 1e3)
                own[name].append((time.thread_time() - used) * 1e3 if threads == 1 else float("nan"))
    return {name: (statistics.median(wall[name]), statistics.median(own[name])) for name in sides}


def table(title: str, found: Mapping[str, tuple[float, float]]) -> None:
    """One line per side, with the ratio of PyTorch's time to its own."""
    print(f"\n{title}, medians of {ROUNDS * ANSWERS}; load {os.getloadavg()[0]:.1f}")
    for name, (wall, own) in found.items():
        line = f"  {name:38} {wall:8.2f} ms {found[EAGER][0] / wall:6.2f}x"
        print(line + (f"   of the processor {own:8.2f} ms {found[EAGER][1] / own:6.2f}x" if own == own else ""))


def verdict(found: Mapping[str, tuple[float, float]], rows: list[tuple[str, float, float, bool | None]]) -> None:
    """Our int8 against the peers; rows for processors with AMX (True) or without (False) are left to such machines."""
    amx = "amx_int8" in describe()["flags"]
    clock = 0 if found[INT8][1] != found[INT8][1] else 1
    for peer, floor, goal, wants_amx in rows:
        where = {True: "with AMX, ", False: "without AMX, ", None: ""}[wants_amx]
        told = f"{found[peer][clock] / found[INT8][clock]:.2f}x" if wants_amx in (None, amx) else "not measured"
        print(f"  => {where}int8 over {peer}: {told} (floor {floor:g}x, target {goal:g}x)")


if __name__ == "__main__":
    main()
