"""What every recipe leaves behind, whatever its task."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import MINIATURES, finetune, folder_name, recipe_names

pytestmark = pytest.mark.slow
Finished = tuple[str, Path, str]


def test_every_recipe_has_a_miniature() -> None:
    assert sorted(MINIATURES) == sorted(recipe_names())


def test_every_promised_file_is_there(finished: Finished) -> None:
    _, run, _ = finished
    promised = ["recipe.json", "data/ledger.jsonl", "data/quality.json", "data/split.jsonl", "data/augmented.json",
                "log.jsonl", "metrics.json",
                "model/config.json", "model/model.safetensors", "onnx/model.onnx", "onnx/int8/model.onnx", "onnx/manifest.json",
                "onnx/report.json", "onnx/finetune.json", "report.html", "README.md", "figures/training.png", "figures/confusion.png"]
    assert [name for name in promised if not (run / name).is_file()] == []
    assert list(run.glob(".*")) == []
    assert list(run.rglob("*.bin")) + list(run.rglob("*.pt")) + list(run.rglob("*.pkl")) == []


def test_the_summary_names_score_gain_verdict_places_and_the_next_command(finished: Finished) -> None:
    name, _, printed = finished
    box = printed[printed.index("done"):]
    for part in ("test rows (95%", "gain", "fp32 pass", "report.html", f"finetune predict runs/{folder_name(name)}/last"):
        assert part in box


def test_metrics_hold_scores_with_intervals_and_baselines(finished: Finished) -> None:
    _, run, _ = finished
    metrics = json.loads((run / "metrics.json").read_text())
    for split in ("validation", "test"):
        scores = metrics["splits"][split]
        head = scores[metrics["primary"]]
        assert 0 <= head["low"] <= head["value"] <= head["high"] <= 1
        assert scores["rows"] == sum(sum(row) for row in scores["confusion"])
        assert [entry["label"] for entry in scores["per_class"]] == metrics["labels"]
        assert {"f1_macro", "f1_weighted", "precision_macro", "recall_macro", "loss"} <= scores.keys()
    assert "majority" in metrics["baselines"]
    assert {"value", "low", "high"} == metrics["baselines"]["majority"]["gain"].keys()
    assert metrics["train"]["processes"] == 1


def test_no_row_is_lost_without_a_ledger_line(finished: Finished) -> None:
    _, run, _ = finished
    quality = json.loads((run / "data/quality.json").read_text())
    ledger = [json.loads(line) for line in (run / "data/ledger.jsonl").read_text().splitlines()]
    placed = [json.loads(line) for line in (run / "data/split.jsonl").read_text().splitlines()]
    dropped = {line["row"] for line in ledger if line["action"] == "dropped"}
    for split, rows in quality["rows"].items():
        kept = {line["row"] for line in placed if line["split"] == split}
        gone = {line["row"] for line in ledger if line["action"] == "dropped" and line["split"] == split}
        assert rows["after"] == len(kept)
        assert rows["before"] == len(kept) + len(gone)
    assert dropped.isdisjoint(line["row"] for line in placed)


def test_exported_models_pass_their_gate(finished: Finished) -> None:
    _, run, _ = finished
    report = json.loads((run / "onnx/report.json").read_text())
    by_name = {artifact["name"]: artifact for artifact in report["artifacts"]}
    assert [name for name in by_name if name != "optimized"] == ["pytorch", "fp32", "int8"]
    assert ("optimized" in by_name) == bool(report["optimize"]["fused"])
    assert by_name["fp32"]["max_abs_diff"] <= 1e-4
    assert by_name["fp32"]["agreement"] == 1.0
    assert all(artifact["latency_ms_p50"] > 0 and artifact["size_mib"] > 0 for artifact in report["artifacts"])
    assert report["default"] in ("fp32", "optimized", "int8")


LOAD = """
import json, sys
import numpy as np
import torch, transformers
from finetune import saved
folder, auto, rows = sys.argv[1], sys.argv[2], json.load(sys.stdin)
from pathlib import Path
task, processor, _ = saved.read(Path(folder))
model = getattr(transformers, auto).from_pretrained(folder, local_files_only=True).eval()
batch = task.collate(task.encode(rows, processor), processor)
with torch.inference_mode():
    logits = model(**{name: torch.from_numpy(value) for name, value in batch.inputs.items()}).logits
print(json.dumps({"names": [model.config.id2label[i] for i in range(logits.shape[1])], "logits": logits.tolist()}))
"""


def test_the_saved_model_loads_in_a_fresh_process_and_answers_as_the_onnx_folder_does(finished: Finished, tmp_path: Path) -> None:
    _, run, _ = finished
    from finetune import saved
    from finetune.export.session import Session
    from finetune.run.folder import RunFolder

    task, processor, _ = saved.read(run / "onnx")
    table = RunFolder(run).table("test").slice(0, 7)
    role = next(role for role, kind in task.roles.items() if kind != "label")
    rows = []
    for i, cell in enumerate(table[role].to_pylist()):
        if isinstance(cell, bytes):
            (tmp_path / f"{i}.png").write_bytes(cell)
            cell = str(tmp_path / f"{i}.png")
        rows.append({role: cell})
    loaded = subprocess.run([sys.executable, "-c", LOAD, str(run / "model"), task.head.auto], input=json.dumps(rows),
                            capture_output=True, text=True, timeout=200)
    assert loaded.returncode == 0, loaded.stderr
    answer = json.loads(loaded.stdout.splitlines()[-1])
    assert tuple(answer["names"]) == task.labels
    batch = task.collate(task.encode(rows, processor), processor)
    onnx = Session(run / "onnx/model.onnx")(batch.inputs)["logits"]
    np.testing.assert_allclose(onnx, np.array(answer["logits"]), atol=1e-4)


def test_predict_answers_with_label_names(finished: Finished, tmp_path: Path) -> None:
    _, run, _ = finished
    metrics = json.loads((run / "metrics.json").read_text())
    given = "A fine evening, and not a dull minute in it."
    if metrics["task"] == "image-classification":
        from PIL import Image

        given = str(tmp_path / "picture.png")
        Image.new("L", (40, 30), 128).save(given)
    done = finetune("predict", str(run), "--json", given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["label"] in metrics["labels"]
    assert sorted(answer["probabilities"]) == sorted(metrics["labels"])
    assert sum(answer["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)


def test_the_card_is_valid_and_names_scores_and_labels(finished: Finished) -> None:
    _, run, _ = finished
    from huggingface_hub import ModelCard

    card = ModelCard.load(run / "README.md")
    assert card.data.pipeline_tag in ("text-classification", "image-classification")
    assert card.data.eval_results[0].metric_type == "accuracy"


def test_a_finished_run_cannot_be_overwritten_or_resumed_by_mistake(finished: Finished) -> None:
    name, run, _ = finished
    again = finetune("run", name, "--resume", cwd=run.parents[2])
    assert again.returncode == 1
    assert "there is no unfinished run" in again.stderr
