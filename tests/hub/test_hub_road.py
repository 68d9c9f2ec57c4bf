"""`finetune run` from the Hub alone: rows and backbone of the recipe's own names, all stages, in one process."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest

from finetune.backbones import tiny
from tests.conftest import ROOT, sample_words
from tests.hub import standin
from tests.unit import loopback

pytestmark = pytest.mark.slow
DATA, BACKBONE = "stanfordnlp/sst2", "distilbert/distilbert-base-uncased"
CARD = "---\nlicense: unknown\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n" \
       "  - split: validation\n    path: data/validation-*\n  - split: test\n    path: data/test-*\n---\n# SST-2, small\n"


def sst2() -> dict[str, bytes]:
    """The sample's rows laid out as SST-2 is: a class label, an index, and a test split without labels."""
    files = {"README.md": CARD.encode()}
    for theirs, ours in {"train": "train", "validation": "test", "test": "validation"}.items():
        with (ROOT / f"finetune/data/samples/reviews/{ours}.csv").open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
        table: dict[str, list[Any]] = {"idx": list(range(len(rows))), "sentence": [row["text"] for row in rows],
                 "label": [-1 if theirs == "test" else int(row["label"] == "positive") for row in rows]}
        made = datasets.Dataset.from_dict(table).cast_column("label", datasets.ClassLabel(names=["negative", "positive"]))
        opened_bytes = io.BytesIO()
        made.to_parquet(opened_bytes)
        files[f"data/{theirs}-00000-of-00001.parquet"] = opened_bytes.getvalue()
    return files


def backbone(folder: Path) -> dict[str, bytes]:
    """A miniature DistilBERT with a licence in its card."""
    tiny.write("distilbert", folder, words=sample_words())
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    return {**files, "README.md": b"---\nlicense: apache-2.0\n---\n# DistilBERT, small\n"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The run's folder and output, the commits that the stand-in served, and what it was asked."""
    cwd = tmp_path_factory.mktemp("road")
    with standin.serving() as server:
        commits = {name: server.store.put(kind, name, files) for kind, name, files in (
            ("datasets", DATA, sst2()), ("models", BACKBONE, backbone(cwd / "backbone")))}
        place = loopback.environment(HF_ENDPOINT=server.address, HF_HOME=str(cwd / "hf"))
        done = subprocess.run(
            [sys.executable, "-m", "finetune", "run", "sentiment", "data.source=hub", "train.length=20steps", "train.threads=1",
             "train.evaluate_every=10steps", "train.precision=fp32", "train.lr=1e-3", "data.max_rows=300"],
            cwd=cwd, env=place, capture_output=True, text=True, timeout=400)
        asked = list(server.asked)
    assert done.returncode == 0, done.stdout + done.stderr
    return {"run": (cwd / "runs/sentiment/last").resolve(), "said": done.stdout, "commits": commits, "asked": asked}


def read(made: dict[str, Any], name: str) -> Any:
    return json.loads((made["run"] / name).read_text())


def test_all_stages_are_carried_out(made: dict[str, Any]) -> None:
    assert (made["run"] / "report.html").is_file()
    assert read(made, "onnx/report.json")["default"] in ("fp32", "optimized", "int8")
    assert "rows from hub: set by data.source" in made["said"]


def test_commits_of_rows_and_backbone_are_recorded(made: dict[str, Any]) -> None:
    metrics = read(made, "metrics.json")
    assert (metrics["data"]["name"], metrics["data"]["revision"]) == (DATA, made["commits"][DATA])
    found = metrics["backbone"]
    assert (found["name"], found["source"], found["revision"]) == (BACKBONE, "hub", made["commits"][BACKBONE])
    assert found["license"] == "apache-2.0"


def test_rows_are_those_of_the_hub_and_their_validation_split_is_our_test(made: dict[str, Any]) -> None:
    splits = [json.loads(line) for line in (made["run"] / "data/split.jsonl").read_text().splitlines()]
    assert {entry["row"].partition(":")[0] for entry in splits if entry["split"] == "test"} == {f"{DATA}/test"}
    assert sum(entry["split"] == "test" for entry in splits) == 240
    assert read(made, "metrics.json")["labels"] == ["negative", "positive"]


def test_card_names_data_set_backbone_and_revision(made: dict[str, Any]) -> None:
    card = (made["run"] / "README.md").read_text()
    assert f'base_model: "{BACKBONE}"' in card
    assert f'- "{DATA}"' in card
    assert f'revision: "{made["commits"][DATA]}"' in card


def test_only_what_is_needed_was_fetched(made: dict[str, Any]) -> None:
    resolved = [request.split("/") for request in made["asked"] if "/resolve/" in request]
    assert {"model.safetensors", "tokenizer.json"} <= {parts[-1] for parts in resolved}
    fetched = {parts[-1] for parts in resolved if parts[0] == "GET "}
    assert fetched and not [name for name in fetched if name.endswith((".bin", ".py", ".pkl"))]


def test_of_a_backbone_that_cannot_do_the_task_the_configuration_alone_is_fetched(tmp_path: Path) -> None:
    with standin.serving() as server:
        server.store.put("models", "google-t5/t5-small", {"config.json": b'{"model_type": "t5"}', "model.safetensors": b"weights", "README.md": b"# T5"})
        place = loopback.environment(HF_ENDPOINT=server.address, HF_HOME=str(tmp_path / "hf"))
        done = subprocess.run([sys.executable, "-m", "finetune", "run", "sentiment", "data.source=hub", "model.name=google-t5/t5-small"],
                              cwd=tmp_path, env=place, capture_output=True, text=True, timeout=100)
        asked = [request for request in server.asked if "/resolve/" in request or "/datasets/" in request]
    assert done.returncode == 1
    assert "model.name: google-t5/t5-small: its architecture is t5, an encoder with a decoder that writes texts" in " ".join(done.stderr.split())
    assert asked and all("config.json" in request for request in asked)
    assert list((tmp_path / "runs").rglob("*.json")) == []
