"""Export folders that were made to do harm, with a manifest that vouches for every file: none is opened.

The folder that they are made from is a good one, which is tested too. Each case changes one thing in it and writes the
manifest anew, as whoever made the folder would.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest

from finetune import saved
from finetune.errors import FinetuneError
from finetune.export import manifest
from finetune.predict import Predictor
from finetune.tasks.text_classification import TextClassification
from tests.faults.hostile_folders import CASES, FILES, UNVOUCHED, Change, model
from tests.unit import small_tokenizer

SECONDS = 1.0


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good") / "onnx"
    (folder / "int8").mkdir(parents=True)
    for name in ("model.onnx", "int8/model.onnx"):
        (folder / name).write_bytes(model())
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "_attn_implementation": "eager"}))
    saved.write(folder, TextClassification(labels=("no", "yes")), small_tokenizer.processor(inputs=("input_ids",)), family="hf")
    manifest.write(folder, default="model.onnx")
    return folder


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "onnx"))


@pytest.fixture
def unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime, which must not be asked."""

    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("the runtime opened a model")
    monkeypatch.setattr(onnxruntime, "InferenceSession", opened)


def vouched(folder: Path, change: Change) -> None:
    """Change the folder and write a manifest over what can be hashed; one that the change wrote itself stays."""
    before = (folder / manifest.NAME).read_bytes()
    change(folder)
    if (folder / manifest.NAME).read_bytes() == before:
        manifest.write(folder, default="model.onnx")


def test_good_folder_answers(good: Path) -> None:
    assert [answer["label"] for answer in Predictor.open(good)(["a", "b c"])] == ["yes", "yes"]
    onnx.checker.check_model(onnx.load(good / "model.onnx"))


def test_at_least_120_kinds_of_harm_are_tried() -> None:
    assert len(CASES) + len(UNVOUCHED) >= 120


@pytest.mark.parametrize("name", CASES)
def test_hostile_folder_is_refused_before_the_runtime_opens_it(name: str, folder: Path, unopened: None) -> None:
    change, words = CASES[name]
    vouched(folder, change)
    started = time.perf_counter()
    with pytest.raises(FinetuneError) as caught:
        Predictor.open(folder)
    assert time.perf_counter() - started < SECONDS
    assert words in str(caught.value)
    assert str(folder) in caught.value.where
    assert not (folder.parent / "canary").exists()


@pytest.mark.parametrize("name", UNVOUCHED)
def test_file_that_predicting_reads_has_to_be_listed(name: str, folder: Path, unopened: None) -> None:
    content = json.loads((folder / manifest.NAME).read_text())
    del content["files"][name]
    (folder / manifest.NAME).write_text(json.dumps(content))
    with pytest.raises(FinetuneError, match=f"{name}: is not listed in manifest.json"):
        Predictor.open(folder)


def test_weights_beside_the_model_are_read_where_they_are_listed(folder: Path) -> None:
    made = onnx.load(folder / "model.onnx")
    onnx.save(made, folder / "model.onnx", save_as_external_data=True, location="model.onnx_data", size_threshold=0)
    manifest.write(folder, default="model.onnx")
    assert [answer["label"] for answer in Predictor.open(folder)(["a"])] == ["yes"]


def test_words_that_only_look_like_keys_are_no_harm(folder: Path) -> None:
    tokens = json.loads((folder / "tokenizer.json").read_text())
    tokens["model"]["vocab"] |= {"trust_remote_code": 0, "\N{SNOWMAN}": 11}
    (folder / "tokenizer.json").write_text(json.dumps(tokens))
    manifest.write(folder, default="model.onnx")
    assert Predictor.open(folder)(["a"])


@pytest.mark.parametrize("seed", range(3))
def test_every_one_of_100_flipped_bits_is_seen(seed: int, folder: Path, unopened: None) -> None:
    draw = random.Random(seed)
    files = [folder / name for name in (*FILES, manifest.NAME)]
    for _ in range(100):
        file = draw.choices(files, [file.stat().st_size for file in files])[0]
        content = file.read_bytes()
        place = draw.randrange(len(content))
        file.write_bytes(content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :])
        with pytest.raises(FinetuneError):
            Predictor.open(folder)
        file.write_bytes(content)
