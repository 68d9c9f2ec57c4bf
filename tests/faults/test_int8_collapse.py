"""A model that int8 ruins in silence: the gate sees it on the task's score, and a form that holds is searched for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.csv
import pytest
from rich.console import Console
from safetensors.torch import load_file, save_file

from finetune import override
from finetune.backbones import tiny
from finetune.errors import ExportError
from finetune.run import folder, pipeline
from tests.conftest import finetune
from tests.parity import setting

pytestmark = pytest.mark.slow
ENOUGH = 370  # rows to show, where no answer changes, that less than one point is lost


def plant_outlier(weights_file: Path) -> None:
    """One value channel per layer a thousand times too loud and never listened to.

    The float model hardly changes, but one scale for all activations of the next product is now far too coarse for the
    channels that carry the answer.
    """
    weights = load_file(weights_file)
    for layer in range(2):
        attention = f"bert.encoder.layer.{layer}.attention"
        weights[f"{attention}.self.value.bias"][0] = 1e4
        weights[f"{attention}.output.dense.weight"][:, 0] = 0
    save_file(weights, weights_file, metadata={"format": "pt"})


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run on words that decide, learnt almost perfectly; its folder and what it printed."""
    cwd = tmp_path_factory.mktemp("collapse")
    tiny.write("bert", cwd / "backbone", words=setting.WORDS)
    for name, number, seed in (("train", 400, 1), ("validation", ENOUGH, 4), ("test", 150, 3)):
        rows = setting.text_rows(number, seed=seed).select(["text", "label"])
        pyarrow.csv.write_csv(rows, cwd / f"{name}.csv")
    done = finetune("run", "sentiment", *[f"data.files.{name}={name}.csv" for name in ("train", "validation", "test")],
                    "model.name=backbone", "train.lr=5e-3", "train.freeze=none", "train.length=12epochs", "train.threads=1",
                    "train.precision=fp32", cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return cwd / "runs" / "sentiment" / "last", done.stdout


def test_int8_passes_while_the_model_is_sound(learnt: tuple[Path, str]) -> None:
    run, _ = learnt
    report = json.loads((run / "onnx" / "report.json").read_text())
    assert report["artifacts"][0]["score"] > 0.9
    assert [artifact["verdict"] for artifact in report["artifacts"] if artifact["name"] != "optimized"] == ["reference", "pass", "pass"]


def test_a_collapsed_int8_is_withheld_and_export_exits_with_four(learnt: tuple[Path, str]) -> None:
    run, _ = learnt
    plant_outlier(run / "model" / "model.safetensors")
    done = finetune("export", str(run), "--no-rescue", cwd=run.parents[2])
    assert done.returncode == 4, done.stdout + done.stderr
    assert "int8: loses" in done.stderr
    report = json.loads((run / "onnx" / "report.json").read_text())
    by_name = {artifact["name"]: artifact for artifact in report["artifacts"]}
    assert by_name["fp32"]["verdict"] == "pass"
    assert by_name["int8"]["verdict"] == "fail"
    assert by_name["int8"]["score_drop"] > 0.1
    assert by_name["int8"]["score_drop_interval"][0] > 0
    assert report["default"] in ("fp32", "optimized")
    assert not (run / "onnx" / "int8").exists()
    assert (run / "withheld" / "int8" / "model.onnx").is_file()
    assert "withheld" in (run / "report.html").read_text()
    answer = finetune("predict", str(run), "--json", "word3 lovely word7", cwd=run.parents[2])
    assert json.loads(answer.stdout)["label"] == "positive"


def test_a_collapsed_int8_is_rescued_on_training_rows(learnt: tuple[Path, str]) -> None:
    run, _ = learnt
    done = finetune("export", str(run), cwd=run.parents[2])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "looking for a form that holds" in done.stdout
    int8 = json.loads((run / "onnx" / "report.json").read_text())["artifacts"][-1]
    assert (int8["verdict"], int8["score_drop"]) == ("pass", 0.0)
    log = json.loads((run / "onnx" / "rescue.json").read_text())
    assert log["rows"] == 400
    assert log["found"] in log["tried"]
    assert 0 < len(log["found"]["left_in_float"]) < 18  # of 35 nodes
    assert log["found"]["drop"] <= 0.005 < log["tried"][0]["drop"]


def test_settings_of_an_export_stand_in_its_report(learnt: tuple[Path, str]) -> None:
    run, _ = learnt
    done = finetune("export", str(run), "--quantize", "none", "--optimize", "none", cwd=run.parents[2])
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((run / "onnx" / "report.json").read_text())
    assert (report["settings"]["quantize"], report["settings"]["target"]) == (None, "auto")
    assert [artifact["name"] for artifact in report["artifacts"]] == ["pytorch", "fp32"]
    wrong = finetune("export", str(run), "--quantize", "int8", "--target", "gpu", cwd=run.parents[2])
    assert wrong.returncode == 2
    assert "export.quantize: 'int8' found, allowed is int8_dynamic, int8_static or none" in wrong.stderr
    assert "export.target: 'gpu' found, allowed is auto, cpu-amx" in wrong.stderr


def test_gpu_is_given_sixteen_bits_which_the_cpu_judges(learnt: tuple[Path, str]) -> None:
    run, _ = learnt
    done = finetune("export", str(run), "--target", "cuda", cwd=run.parents[2])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fp16: fused 2 Attention, 4 SkipLayerNormalization, 2 BiasGelu" in done.stdout
    assert "its speed on a GPU is not measured" in done.stdout
    report = json.loads((run / "onnx" / "report.json").read_text())
    assert [artifact["name"] for artifact in report["artifacts"]] == ["pytorch", "fp32", "fp16"]
    assert report["artifacts"][-1]["verdict"] == "pass"
    assert report["optimize"] == {"level": "O2", "fused": {"Attention": 2, "SkipLayerNormalization": 4, "BiasGelu": 2}}
    assert sorted(file.parent.name for file in (run / "onnx").rglob("*.onnx")) == ["fp16", "onnx"]
    wrong = finetune("export", str(run), "--target", "cuda", "--quantize", "int8_dynamic", cwd=run.parents[2])
    assert (wrong.returncode, "Add export.quantize=none" in wrong.stderr) == (2, True)


def test_more_rows_for_ranges_than_there_are_is_an_error_that_leaves_the_former_export(learnt: tuple[Path, str]) -> None:
    run, _ = learnt
    before = sorted(file.relative_to(run).as_posix() for file in run.rglob("*"))
    made = pipeline.reopen(folder.open_run(run.resolve()), Console(quiet=True))
    settings = override.apply(made.recipe, ["export.quantize=int8_static", "export.quantize.rows=401"])
    with pytest.raises(ExportError, match="export.quantize.rows: 401 training rows are asked for and there are 400. Use at most 400, or auto."):
        pipeline.carry_out_stage(replace(made, recipe=settings), "export")
    assert sorted(file.relative_to(run).as_posix() for file in run.rglob("*")) == before


def test_run_warns_of_an_int8_that_no_form_saves_and_goes_on(learnt: tuple[Path, str]) -> None:
    run, _ = learnt
    for name in ("onnx/report.json", "report.html"):
        (run / name).unlink()
    kept = json.loads((run / "recipe.json").read_text())
    kept["overrides"].append("export.rescue=false")
    kept["values"]["export.rescue"]["value"] = False
    (run / "recipe.json").write_text(json.dumps(kept))
    done = finetune("run", "sentiment", "--resume", str(run.resolve()), cwd=run.parents[2])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning: int8 is withheld" in done.stdout
    assert "int8 fail" in done.stdout
