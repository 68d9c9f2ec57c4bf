"""What exported models lose on test rows: `make bench NAME=export_scores [ARGS="sst2 cifar10n"]`.

A MiniLM fine-tuned on SST-2 may lose 0.5 points as int8 (agreement: 99 % wanted), a small ResNet on CIFAR-10 one point
as static int8, each against its PyTorch model; fp32 may differ by 1e-4 and in no label, at any batch and length. Reads
the test rows. The runs stay in runs/export_scores: remove one, or `finetune export` it, where the code has changed.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import cifar10n
import numpy as np
import torch

import runs
from finetune import saved
from finetune.backbones import resolve
from finetune.contracts import Batch
from finetune.data.examples import Examples
from finetune.evaluate.infer import torch_infer
from finetune.export import gate
from finetune.export.session import Session
from finetune.run.folder import RunFolder
from tests.parity import made_up

HOME = Path(__file__).parents[1] / "runs" / "export_scores"
ALLOWED = {"sst2": 0.005, "cifar10n": 0.01}
SEED = 1


def settings(name: str) -> tuple[str, list[str]]:
    """The recipe and what it is given."""
    if name == "sst2":
        folder = runs.data("sst2")
        files = [f"data.files.{split}={folder / split}.csv" for split in ("train", "validation", "test")]
        return "sentiment", [*files, "data.columns.text=sentence", "train.length=3epochs"]
    folder, tables = runs.data("cifar10n_10k"), HOME / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    cifar10n.write_tables(folder, tables)
    return "images", [f"data.files.train={tables}/train.csv", f"data.files.test={tables}/test.csv",
                      f"data.images={folder / 'images.zip'}", *cifar10n.SETTINGS]


def exported(name: str) -> Path:
    """The run of that name, made where there is none."""
    recipe, given = settings(name)
    run = HOME / name / recipe / "last"
    return run.resolve() if run.exists() else runs.run(recipe, [*given, f"seed={SEED}"], HOME / name).folder


def judge(name: str) -> None:
    """Every artefact of the run against PyTorch, on the test rows, with as many threads as training found best."""
    run = exported(name)
    threads = RunFolder(run).read("train.json")["choice"]["threads"]
    torch.set_num_threads(threads)
    task, processor, family = saved.read(run / "model")
    infer = torch_infer(resolve.reload(run / "model", family, task.head), task)
    candidates = [gate.Candidate("pytorch", run / "model", infer)]
    candidates += [gate.Candidate(item["name"], run / item["file"], Session(run / item["file"], threads=threads).infer)
                   for item in RunFolder(run).read("onnx/report.json")["artifacts"] if item["name"] != "pytorch"]
    test = Examples(RunFolder(run).table("test"), task, processor)
    print(f"\n{name}: {len(test):,} test rows, {threads} thread(s); drop allowed {ALLOWED[name]}")
    for item in gate.judge(candidates, test, max_score_drop=ALLOWED[name], seed=SEED):
        low, high = item.score_drop_interval
        worst = item.label_drops[0]
        print(f"  {item.name:9} {task.primary} {item.score:.4f}  drop {item.score_drop:+.4f} ({low:+.4f} to "
              f"{high:+.4f})  same label {item.agreement:.2%}  max difference {item.max_abs_diff:.1e}  F1 of "
              f"{worst.label!r} {worst.drop:+.4f} ({worst.low:+.4f} to {worst.high:+.4f})  {item.latency_ms_p50:.2f} ms"
              f", 95 % within {item.latency_ms_p95:.2f} ({item.speedup:.1f}x)  {item.rows_per_second:,.0f} rows/s by "
              f"{item.batch}")
    told = RunFolder(run).read("metrics.json").get("calibration")
    print(f"  calibration: {told}")


def compare(name: str) -> None:
    """The fp32 model against PyTorch on made-up batches of every shape."""
    run = HOME / name / settings(name)[0] / "last"
    task, processor, family = saved.read(run / "model")
    model = resolve.reload(run / "model", family, task.head)
    infer, session, gaps, same = torch_infer(model, task), Session(run / "onnx/model.onnx"), [], []
    for batch, length in made_up.shapes(task, processor):
        given = made_up.inputs(model, processor, batch=batch, length=length)
        found, expected = session(given)["logits"], infer(Batch(given, {}, batch))[0]["logits"]
        gaps.append(float(np.abs(found - expected).max()))
        same.append(found.argmax(axis=1) == expected.argmax(axis=1))
    print(f"  fp32 on {len(gaps)} made-up batches of 1, 3, 7 and 32 rows, texts of 1, 17 and the most tokens: max "
          f"difference {max(gaps):.1e}, same label {np.concatenate(same).mean():.2%}")


def main() -> None:
    """Both sets, or those that are named."""
    print(", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers", "onnxruntime", "optimum")))
    for name in sys.argv[1:] or ALLOWED:
        judge(name)
        compare(name)


if __name__ == "__main__":
    main()
