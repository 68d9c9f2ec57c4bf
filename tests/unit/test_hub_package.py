"""Which files of a run leave, and which of a repository are ours to take away."""

from __future__ import annotations

from pathlib import Path

from finetune.hub import package

RUN = ("model/config.json", "model/model.safetensors", "model/README.md", "onnx/model.onnx", "onnx/int8/model.onnx", "onnx/report.json",
       "data/ledger.jsonl", "data/review.csv", "data/verdicts.jsonl", "data/train.arrow", "recipe.json", "metrics.json", "report.html", "mistakes.jsonl", "log.jsonl",
       "figures/mistakes.png", "checkpoints/step-1/model.safetensors", "withheld/int8/model.onnx", "README.md")
SHOWN = ("README.md", "metrics.json", "report.html", "figures/training.png", "onnx/report.json", ".parts/mistakes.jsonl", "recipe.json")


def written(folder: Path, paths: tuple[str, ...]) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


def test_model_lies_at_the_root_and_what_is_shown_replaces_the_run_s_own(tmp_path: Path) -> None:
    run, shown = written(tmp_path / "run", RUN), written(tmp_path / "shown", SHOWN)
    found = package.gather(run, shown)
    assert {path: file.relative_to(tmp_path).as_posix() for path, file in found.items()} == {
        "README.md": "shown/README.md", "config.json": "run/model/config.json", "figures/training.png": "shown/figures/training.png",
        "metrics.json": "shown/metrics.json", "model.safetensors": "run/model/model.safetensors",
        "onnx/int8/model.onnx": "run/onnx/int8/model.onnx", "onnx/model.onnx": "run/onnx/model.onnx",
        "onnx/report.json": "shown/onnx/report.json", "report.html": "shown/report.html"}
    assert list(found) == sorted(found)


def test_stale_files_are_those_that_a_push_can_have_brought() -> None:
    remote = [".gitattributes", "LICENSE", "notes/README.md", "pytorch_model.bin", "tf/config.json", "onnx/int8/model.onnx", "config.json",
              "figures/mistakes.png", "vocab.txt", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "README.md"]
    assert package.stale({"config.json": Path("c"), "README.md": Path("r")}, remote) == [
        "figures/mistakes.png", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "onnx/int8/model.onnx", "vocab.txt"]
