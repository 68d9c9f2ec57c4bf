"""Rows of the Hub, from a stand-in on loopback; a process of its own, since HF_ENDPOINT is read at import."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

from finetune.data import hub
from finetune.errors import DataError
from finetune.machine import hub_reachable
from finetune.spec import Hub
from tests.hub import standin
from tests.unit import loopback

READ = """
import json, sys
from finetune.data import hub
from finetune.errors import FinetuneError
from finetune.spec import Hub

for name, subset, columns, splits, roles in json.load(sys.stdin):
    try:
        found = hub.read(Hub(name=name, subset=subset, columns=columns, splits=splits), roles)
    except FinetuneError as error:
        print(json.dumps({"error": str(error)}))
        continue
    tables = {split: table.to_pydict() for split, table in found.splits.items()}
    types = {split: {field.name: str(field.type) for field in table.schema} for split, table in found.splits.items()}
    print(json.dumps({"tables": tables, "types": types, "revision": found.revision, "license": found.license,
                      "source": found.source, "name": found.name}, default=lambda value: {"hex": value.hex()}))
"""
TEXT, IMAGE = {"text": "text", "label": "label"}, {"image": "image", "label": "label"}
ONE_SPLIT = {"train": "train"}
ASKED = {
    "classes": ("me/classes", None, {"text": "sentence"}, {"train": "train", "test": "validation"}, TEXT),
    "words": ("me/words", None, {}, ONE_SPLIT, TEXT),
    "pictures": ("me/pictures", None, {"image": "img"}, ONE_SPLIT, IMAGE),
    "no such data set": ("me/absent", None, {}, ONE_SPLIT, TEXT),
    "no such column": ("me/classes", None, {"text": "sentense"}, ONE_SPLIT, TEXT),
    "no such split": ("me/words", None, {}, {"train": "training"}, TEXT),
    "no picture": ("me/gaps", None, {}, ONE_SPLIT, IMAGE),
}


def parquet(columns: dict[str, list[Any]], **kinds: Any) -> bytes:
    """A file as people upload it, with the names of its classes inside."""
    made = datasets.Dataset.from_dict(columns)
    for name, kind in kinds.items():
        made = made.cast_column(name, kind)
    opened = io.BytesIO()
    made.to_parquet(opened)
    return opened.getvalue()


def png(value: int) -> bytes:
    opened = io.BytesIO()
    Image.fromarray(np.full((2, 2, 3), value, np.uint8)).save(opened, format="PNG")
    return opened.getvalue()


def repositories() -> dict[str, dict[str, bytes]]:
    """Texts with classes, texts with words as labels, and pictures."""
    tone = datasets.ClassLabel(names=["negative", "positive"])
    pictures = [{"bytes": png(10), "path": None}, {"bytes": png(20), "path": "b.png"}]
    return {
        "me/classes": {
            "train.parquet": parquet({"sentence": ["dull", "fine", None], "label": [0, 1, -1]}, label=tone),
            "validation.parquet": parquet({"sentence": ["so so", "well"], "label": [-1, -1]}, label=tone)},
        "me/words": {"train.parquet": parquet({"text": ["a", "b", "c", "d"], "label": [" good ", "bad", "", None]})},
        "me/pictures": {"train.parquet": parquet({"img": pictures, "label": [3, 4]}, img=datasets.Image())},
        "me/gaps": {"train.parquet": parquet({"image": [pictures[0], None], "label": [3, 4]}, image=datasets.Image())},
    }


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process that knows no other Hub reads of each data set."""
    with standin.serving() as server:
        for name, files in repositories().items():
            server.store.put("datasets", name, {**files, "README.md": b"---\nlicense:\n- mit\n---\n"})
        place = loopback.environment(HF_ENDPOINT=server.address, HF_HOME=str(tmp_path_factory.mktemp("hub")))
        done = subprocess.run([sys.executable, "-c", READ], input=json.dumps(list(ASKED.values())), env=place,
                              capture_output=True, text=True, timeout=120)
        head = server.store.repositories["datasets", "me/classes"].head.sha
    return {**dict(zip(ASKED, map(json.loads, done.stdout.splitlines()), strict=True)), "head": head}


@pytest.fixture
def forgotten_probe() -> Iterator[None]:
    hub_reachable.cache_clear()
    yield
    hub_reachable.cache_clear()


def test_class_names_survive_and_no_class_is_no_label(answers: dict[str, Any]) -> None:
    train = answers["classes"]["tables"]["train"]
    assert train["label"] == ["negative", "positive", None]
    assert train["row"] == ["me/classes/train:0", "me/classes/train:1", "me/classes/train:2"]


def test_missing_text_is_empty_as_in_files(answers: dict[str, Any]) -> None:
    assert answers["classes"]["tables"]["train"]["text"] == ["dull", "fine", ""]


def test_hash_is_that_of_the_content(answers: dict[str, Any]) -> None:
    assert answers["classes"]["tables"]["train"]["hash"] == [
        hashlib.sha256(text).hexdigest() for text in (b"dull", b"fine", b"")]
    assert answers["pictures"]["tables"]["train"]["hash"] == [hashlib.sha256(png(value)).hexdigest() for value in (10, 20)]


def test_their_splits_get_our_names(answers: dict[str, Any]) -> None:
    tables = answers["classes"]["tables"]
    assert list(tables) == ["train", "test"]
    assert tables["test"]["text"] == ["so so", "well"]
    assert tables["test"]["row"] == ["me/classes/test:0", "me/classes/test:1"]


def test_columns_are_strings_even_where_a_split_has_no_label(answers: dict[str, Any]) -> None:
    assert answers["classes"]["tables"]["test"]["label"] == [None, None]
    for types in answers["classes"]["types"].values():
        assert types == dict.fromkeys(("row", "text", "label", "hash"), "string")


def test_labels_that_are_words_are_trimmed_and_blank_ones_are_none(answers: dict[str, Any]) -> None:
    assert answers["words"]["tables"]["train"]["label"] == ["good", "bad", None, None]


def test_pictures_come_as_the_bytes_of_their_files(answers: dict[str, Any]) -> None:
    train = answers["pictures"]["tables"]["train"]
    assert [bytes.fromhex(cell["hex"]) for cell in train["image"]] == [png(10), png(20)]
    assert train["label"] == ["3", "4"]
    assert answers["pictures"]["types"]["train"]["image"] == "binary"


def test_commit_and_licence_are_recorded(answers: dict[str, Any]) -> None:
    found = answers["classes"]
    assert (found["source"], found["name"], found["revision"], found["license"]) == (
        "hub", "me/classes", answers["head"], "mit")


def test_rows_without_a_picture_are_named(answers: dict[str, Any]) -> None:
    assert answers["no picture"]["error"] == (
        "data.source: hub: 1 of 2 rows have no picture: me/gaps/train:1. Use another revision (data.hub.revision=COMMIT),"
        " or your own files.")


def test_absent_data_set_says_what_to_check(answers: dict[str, Any]) -> None:
    assert answers["no such data set"]["error"] == (
        "data.hub.name: me/absent: there is no such data set on the Hub, or it is private. Check the name, or log in with a"
        " token that may read it.")


def test_absent_column_lists_what_there_is(answers: dict[str, Any]) -> None:
    assert answers["no such column"]["error"] == (
        "data.hub.columns.text: me/classes has no column 'sentense'. Columns: sentence, label. Did you mean 'sentence'?")


def test_absent_split_is_named_with_those_there_are(answers: dict[str, Any]) -> None:
    error = answers["no such split"]["error"]
    assert error.startswith('data.hub.name: me/words: cannot be read: Unknown split "training". Should be one of [\'train\'].')


def test_silent_hub_is_an_error_within_four_seconds(forgotten_probe: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with loopback.silent() as port:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        started = time.perf_counter()
        with pytest.raises(DataError) as caught:
            hub.read(Hub(name="me/reviews"), TEXT)
        assert time.perf_counter() - started < 4
    assert str(caught.value) == (
        "data.source: hub: the Hub cannot be reached for me/reviews (3 s, no connection). Go online, give your own rows"
        " (data.files.train=FILE), or use data.source=sample.")


def test_unreachable_hub_is_told_before_anything_heavy_is_loaded() -> None:
    code = ("import sys, time; from finetune.data import hub; from finetune.spec import Hub; from finetune.errors import *\n"
            "try: hub.read(Hub(name='x'), {})\n"
            "except DataError: print('datasets' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], env=loopback.environment(HF_HUB_OFFLINE="1"), capture_output=True,
                          text=True, timeout=60)
    assert done.stdout == "False\n"
