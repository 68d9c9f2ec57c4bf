"""What every recipe leaves behind, whatever its task."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from finetune.report.card import HUB_METRICS
from tests.conftest import MINIATURES, finetune, folder_name, recipe_names

pytestmark = pytest.mark.slow
Finished = tuple[str, Path, str]


def test_every_recipe_has_a_miniature() -> None:
    assert sorted(MINIATURES) == sorted(recipe_names())


def test_every_promised_file_is_there(finished: Finished) -> None:
    _, run, _ = finished
    promised = ["recipe.json", "data/ledger.jsonl", "data/quality.json", "data/split.jsonl", "data/augmented.json",
                "log.jsonl", "metrics.json",
                "model/config.json", "model/model.safetensors", "onnx/manifest.json", *(f"onnx/{part}" for part in graphs(run)), *int8_graphs(run),
                "onnx/report.json", "onnx/finetune.json", "report.html", "README.md", "figures/training.png", "figures/baselines.png"]
    assert [name for name in promised if not (run / name).is_file()] == []
    assert list(run.glob(".*")) == []
    assert list(run.rglob("*.bin")) + list(run.rglob("*.pt")) + list(run.rglob("*.pkl")) == []


def graphs(run: Path) -> list[str]:
    """The files that a model is made of."""
    from finetune.export import generate

    writes = kind_of_target(run) == "text"
    return [part.name for part in generate.parts(Path(generate.ENCODER if writes else "model.onnx"))]


def int8_graphs(run: Path) -> list[str]:
    """The files of the int8 model, which lie aside where it took longer than fp32 on this machine, in this hour."""
    report = json.loads((run / "onnx/report.json").read_text())
    folder = Path({item["name"]: item["file"] for item in report["artifacts"]}["int8"]).parent
    assert folder.as_posix() == ("withheld/int8" if report["artifacts"][-1]["verdict"] == "slower" else "onnx/int8")
    return [f"{folder}/{part}" for part in graphs(run)]


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
        assert head["low"] <= head["value"] <= head["high"] <= 1
        assert scores["loss"] > 0
    assert metrics["baselines"]
    for baseline in metrics["baselines"].values():
        assert {"value", "low", "high"} == baseline["gain"].keys()
    assert metrics["train"]["processes"] == 1


def test_loss_of_a_few_rows_falls(finished: Finished) -> None:
    _, run, _ = finished
    import torch

    from finetune import saved
    from finetune.backbones import resolve
    from finetune.data.examples import Examples
    from finetune.evaluate.infer import tensors
    from finetune.run.folder import RunFolder

    task, processor, family = saved.read(run / "model")
    model = resolve.reload(run / "model", family, task.head)
    examples = Examples(RunFolder(run).table("train").slice(0, 8), task, processor)
    batch = tensors(task.collate([examples[i] for i in range(len(examples))], processor))
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=1e-3), []
    for _ in range(48):
        total, count = task.loss(model(**batch.inputs), batch)
        losses.append(float(total.detach()) / count)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert losses[-1] < 0.95 * losses[0]


def test_scores_by_label_add_up(finished: Finished) -> None:
    _, run, _ = finished
    metrics = json.loads((run / "metrics.json").read_text())
    scores = metrics["splits"]["test"]
    if kind_of_target(run) != "label":
        assert "confusion" not in scores
        return
    assert scores["rows"] == sum(sum(row) for row in scores["confusion"])
    assert [entry["label"] for entry in scores["per_class"]] == metrics["labels"]
    assert "majority" in metrics["baselines"]
    assert (run / "figures/confusion.png").is_file()


def kind_of_target(run: Path) -> str:
    """What the task of a run learns."""
    from finetune import saved

    task, _, _ = saved.read(run / "model")
    return task.roles[task.target]


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
    if kind_of_target(run) == "text":
        assert by_name["fp32"]["max_abs_diff"] is None
        assert by_name["fp32"]["agreement"] >= 0.99
    else:
        assert by_name["fp32"]["max_abs_diff"] <= 1e-4
        assert by_name["fp32"]["agreement"] == 1.0
    assert all(artifact["latency_ms_p50"] > 0 and artifact["size_mib"] > 0 for artifact in report["artifacts"])
    assert report["default"] in ("fp32", "optimized", "int8")


LOAD = """
import json, sys
from pathlib import Path
import numpy as np
from finetune import saved
from finetune.backbones import resolve
from finetune.data.examples import Examples
from finetune.evaluate.infer import torch_infer
from finetune.run.folder import RunFolder
for folder in map(Path, sys.argv[1:]):
    task, processor, family = saved.read(folder / "model")
    model = resolve.reload(folder / "model", family, task.head)
    examples = Examples(RunFolder(folder).table("test").slice(0, 7), task, processor)
    batch = task.collate([examples[i] for i in range(len(examples))], processor)
    output, _ = torch_infer(model, task)(batch)
    np.savez(folder / "loaded.npz", **{name: value for name, value in output.items() if isinstance(value, np.ndarray)})
    print(json.dumps(list(model.config.id2label.values())))
"""


@pytest.fixture(scope="module")
def loaded(run_of: Callable[[str], Finished]) -> dict[str, tuple[list[str], dict[str, np.ndarray]]]:
    """Recipe to the label names and the outputs for seven test rows of its saved model, from one fresh process."""
    runs = [run_of(name)[1] for name in recipe_names()]
    done = subprocess.run([sys.executable, "-c", LOAD, *map(str, runs)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    outputs = [dict(np.load(run / "loaded.npz")) for run in runs]
    for run in runs:
        (run / "loaded.npz").unlink()
    return dict(zip(recipe_names(), zip(lines, outputs, strict=True), strict=True))


def test_the_saved_model_loads_in_a_fresh_process_and_answers_as_the_onnx_folder_does(
    finished: Finished, loaded: dict[str, tuple[list[str], dict[str, np.ndarray]]]
) -> None:
    name, run, _ = finished
    from finetune import saved
    from finetune.data.examples import Examples
    from finetune.export.generate import open_model
    from finetune.run.folder import RunFolder

    task, processor, _ = saved.read(run / "onnx")
    examples = Examples(RunFolder(run).table("test").slice(0, 7), task, processor)
    batch = task.collate([examples[i] for i in range(7)], processor)
    names, outputs = loaded[name]
    if task.head.labels:
        assert tuple(names) == task.head.labels
    found = open_model(run / "onnx" / graphs(run)[0], task, processor)(batch.inputs)
    assert found.keys() == outputs.keys()
    for key, value in found.items():
        np.testing.assert_allclose(value, outputs[key], atol=1e-4)


# Kind of target -> what an answer holds, whatever the recipe.
ANSWERS = {"label": {"label", "probabilities"}, "labels": {"labels", "probabilities"}, "number": {"value"}, "text": {"summary"},
           "tags": {"entities"}, "answers": {"answer", "start", "end", "probability"}}


def test_predict_answers_in_the_terms_of_the_task(finished: Finished, tmp_path: Path) -> None:
    _, run, _ = finished
    from finetune.predict import Predictor

    model, kind = Predictor.open(run), kind_of_target(run)
    given = ["A fine evening, and not a dull minute in it."] * len(model.roles)
    if "image" in model.roles:
        from PIL import Image

        given = [str(tmp_path / "picture.png")]
        Image.new("L", (40, 30), 128).save(given[0])
    done = finetune("predict", str(run), "--json", *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer.pop("input") == (given[0] if len(given) == 1 else dict(zip(model.roles, given, strict=True)))
    assert answer.keys() == ANSWERS[kind]
    if kind == "label":
        names = json.loads((run / "metrics.json").read_text())["labels"]
        assert answer["label"] in names
        assert sorted(answer["probabilities"]) == sorted(names)
        assert sum(answer["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    if kind == "number":
        assert np.isfinite(answer["value"])


def test_the_card_is_valid_and_names_scores_and_labels(finished: Finished) -> None:
    _, run, _ = finished
    from huggingface_hub import ModelCard

    card = ModelCard.load(run / "README.md")
    metrics = json.loads((run / "metrics.json").read_text())
    assert card.data.pipeline_tag == metrics["task"]
    assert card.data.eval_results[0].metric_type == HUB_METRICS.get(metrics["primary"], metrics["primary"])


def test_a_finished_run_cannot_be_overwritten_or_resumed_by_mistake(finished: Finished) -> None:
    name, run, _ = finished
    again = finetune("run", name, "--resume", cwd=run.parents[2])
    assert again.returncode == 1
    assert "there is no unfinished run" in again.stderr
