"""Forty secrets planted in the files of a finished run: a push refuses each, names the place, and nothing leaves."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from finetune.errors import DataError, HubError
from finetune.hub import scan
from finetune.run import push
from finetune.run.folder import RunFolder
from tests.hub import standin, store
from tests.hub.canaries import KINDS, letters
from tests.unit import loopback

pytestmark = pytest.mark.slow
ONE_RUN = pytest.mark.parametrize("finished", ["sentiment"], indirect=True)


def in_json(name: str, *keys: str | int) -> Callable[[Path, str], None]:
    """Put a text at a place in a JSON file."""
    def plant(run: Path, text: str) -> None:
        content: Any = json.loads((run / name).read_text())
        part = content
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = text
        (run / name).write_text(json.dumps(content))
    return plant


def in_weights(run: Path, text: str) -> None:
    file = run / "model/model.safetensors"
    with safe_open(file, framework="np") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # no mapping
    save_file(tensors, file, metadata={"format": "pt", "note": text})


def in_onnx(run: Path, text: str) -> None:
    model = onnx.load(run / "onnx/model.onnx")
    model.metadata_props.add(key="note", value=text)
    onnx.save(model, run / "onnx/model.onnx")


def in_own_file(run: Path, text: str) -> None:
    (run / "model/notes.txt").write_text(f"one line\n{text}\n")


# Where it is planted -> the file in which the push must find it.
PLACES: dict[str, tuple[Callable[[Path, str], None], str]] = {
    "model's configuration": (in_json("model/config.json", "note"), "config.json"),
    "tokenizer": (in_json("model/tokenizer_config.json", "init"), "tokenizer_config.json"),
    "weights' metadata": (in_weights, "model.safetensors"),
    "ONNX metadata": (in_onnx, "onnx/model.onnx"),
    "scores": (in_json("metrics.json", "train", "stopped"), "metrics.json"),
    "card": (in_json("metrics.json", "backbone", "revision"), "README.md"),
    "settings in the report": (in_json("recipe.json", "values", "train.length", "value"), "report.html"),
    "a file of the user": (in_own_file, "notes.txt"),
}
SECRETS = [*KINDS, "environment"]
CASES = list(itertools.islice(zip(itertools.cycle(PLACES), itertools.cycle(SECRETS), range(500, 540), strict=False), 40))


@pytest.fixture(scope="module")
def planted(finished: tuple[str, Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a run that may be spoilt: without what a push does not read, and with little to draw, which takes time."""
    run = Path(shutil.copytree(finished[1], tmp_path_factory.mktemp("planted") / "run", ignore=shutil.ignore_patterns("checkpoints", "log.jsonl")))
    metrics = json.loads((run / "metrics.json").read_text())
    for scores in metrics["splits"].values():
        del scores["per_class"], scores["confusion"]
    (run / "metrics.json").write_text(json.dumps({**metrics, "baselines": {}}))
    (run / "data/quality.json").write_text("{}")
    return run


@ONE_RUN
@pytest.mark.parametrize(("place", "kind", "seed"), CASES, ids=lambda value: str(value).replace(" ", "-"))
def test_push_refuses_and_names_the_place(planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, kind: str, seed: int) -> None:
    run = Path(shutil.copytree(planted, tmp_path / "run"))
    secret, text = (letters(20, seed),) * 2 if kind == "environment" else KINDS[kind](seed)
    monkeypatch.setenv("DEPLOY_SECRET", secret if kind == "environment" else "")
    plant, file = PLACES[place]
    plant(run, text)
    with pytest.raises(HubError) as caught, push.packed(RunFolder(run), "me/tone", examples=False):
        raise AssertionError("it would have left")
    said = str(caught.value)
    assert f"\n  {file}:" in said
    assert "secret(s) found in what would leave, so nothing has left." in said
    assert secret not in said


def test_forty_are_planted_in_every_place_and_of_every_kind() -> None:
    assert len(CASES) == len(set(CASES)) == 40
    assert {place for place, _, _ in CASES} == set(PLACES)
    assert {kind for _, kind, _ in CASES} == set(SECRETS)


@ONE_RUN
def test_same_run_without_a_secret_is_let_through(planted: Path) -> None:
    with push.packed(RunFolder(planted), "me/tone", examples=False) as files:
        assert len(files) > 15


@ONE_RUN
def test_secret_in_a_row_is_found_when_examples_are_to_leave(planted: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(planted, tmp_path / "run"))
    secret, text = KINDS["Hub"](600)
    line = {"row": "test.csv:3", "label": "negative", "prediction": "positive", "probability": 0.9, "text": f"mine is {text}"}
    (run / "mistakes.jsonl").write_text(json.dumps(line) + "\n")
    with push.packed(RunFolder(run), "me/tone", examples=False):
        pass
    with pytest.raises(HubError, match=r"\n  report\.html:\d+: a Hub token") as caught, push.packed(RunFolder(run), "me/tone", examples=True):
        raise AssertionError("it would have left")
    assert secret not in str(caught.value)


@ONE_RUN
def test_command_refuses_before_it_makes_a_repository(planted: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(planted, tmp_path / "run"))
    secret, text = KINDS["AWS"](601)
    in_own_file(run, text)
    with standin.serving() as server:
        place = loopback.environment(HF_ENDPOINT=server.address, HF_HOME=str(tmp_path / "hf"), HF_TOKEN=store.TOKEN)
        done = subprocess.run([sys.executable, "-m", "finetune", "push", str(run), "--repo", "me/tone"], env=place, text=True,
                              capture_output=True, timeout=120)
        assert (done.returncode, server.asked, server.store.repositories) == (1, [], {})
    assert "notes.txt:2: an AWS key" in done.stderr
    assert secret not in done.stdout + done.stderr


@ONE_RUN
def test_run_that_is_not_finished_is_not_pushed(planted: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(planted, tmp_path / "run"))
    (run / "report.html").unlink()
    with pytest.raises(DataError, match=rf"is not finished \(next stage: report\)\. Go on with: finetune run sentiment --resume {run}"), \
            push.packed(RunFolder(run), "me/tone", examples=False):
        raise AssertionError("it would have left")


@pytest.mark.parametrize("offset", [0, scan.CHUNK - 20, scan.CHUNK - 1, scan.CHUNK, 2 * scan.CHUNK + 5])
def test_secret_in_the_midst_of_large_weights_is_found(tmp_path: Path, offset: int) -> None:
    secret = KINDS["Hub"](700)[0].encode()
    file = tmp_path / "model.safetensors"
    noise = os.urandom(2**16) * (3 * scan.CHUNK // 2**16)
    file.write_bytes(noise[:offset] + b"\0" + secret + b"\0" + noise[offset:])
    assert scan.problems({"model.safetensors": file}) == [f"model.safetensors: byte {offset + 1:,}: a Hub token"]


def test_secret_as_the_name_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("nothing")
    assert scan.problems({f"notes-{KINDS['GitHub'](701)[0]}.txt": tmp_path / "a"})[0].endswith(": a GitHub token in the name of the file")
