"""Every miniature is a backbone folder that loads and answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from finetune.backbones import hf, resolve, tiny
from finetune.contracts import Batch
from finetune.evaluate.infer import torch_infer
from finetune.spec import Model
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification
from tests.conftest import ROOT
from tests.parity import setting

KINDS = (*tiny.TEXT, *tiny.IMAGE, *tiny.TIMM)
WORDS = ("good", "bad", "good", "film")


def test_every_architecture_has_one_kind_of_input() -> None:
    assert len(KINDS) == len(set(KINDS)) == len(tiny.TEXT) + len(tiny.IMAGE) + len(tiny.TIMM) > 0


def test_page_on_backbones_names_every_architecture() -> None:
    page = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
    assert [kind for kind in (*KINDS, *tiny.SEQ2SEQ) if f"`{kind}`" not in page] == []


@pytest.mark.parametrize("kind", KINDS)
def test_miniature_loads_and_answers(kind: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    tiny.write(kind, tmp_path, words=WORDS)
    is_text = kind in tiny.TEXT
    task = TextClassification(labels=("a", "b", "c")) if is_text else ImageClassification(labels=("a", "b", "c"))
    loaded = resolve.load(Model(name=str(tmp_path), family=tiny.family(kind)), task.head, sample=False)
    rows = [{"text": "a good film"}, {"text": "bad"}] if is_text else setting.image_rows(2).drop_columns(["label"]).to_pylist()
    batch: Batch = task.collate(task.encode(rows, loaded.processor), loaded.processor)
    output, loss = torch_infer(loaded.model, task)(batch)
    assert loss is None
    assert output["logits"].shape == (2, 3)
    assert np.isfinite(output["logits"]).all()
    assert sum(weight.numel() for weight in loaded.model.parameters()) < (600_000 if kind in tiny.TIMM else 60_000)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_about_the_weights(kind: str, tmp_path: Path) -> None:
    first, again, other = (load_file(tiny.write(kind, tmp_path / name, words=WORDS, seed=seed) / "model.safetensors")
                           for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


@pytest.mark.parametrize("kind", tiny.TEXT)
def test_words_are_the_vocabulary(kind: str, tmp_path: Path) -> None:
    loaded = hf.load(tiny.write(kind, tmp_path, words=WORDS), TextClassification(labels=("a", "b")).head)
    ids = loaded.processor.encode(["Good bad film other"], 64)[0]["input_ids"]
    assert ids == [2, 5, 6, 7, 1, 3]  # a word given twice is in it once
    assert loaded.processor.inputs == (("input_ids", "attention_mask", "token_type_ids") if kind == "bert" else ("input_ids", "attention_mask"))


@pytest.mark.parametrize("kind", ["bert", "distilbert", "vit"])
def test_dropout_is_the_one_asked_for(kind: str, tmp_path: Path) -> None:
    for share in (0.0, 0.25):
        folder = tiny.write(kind, tmp_path / str(share), words=WORDS, dropout=share)
        task = TextClassification(labels=("a", "b")) if kind in tiny.TEXT else ImageClassification(labels=("a", "b"))
        parts = hf.load(folder, task.head).model.base_model.modules()
        assert {part.p for part in parts if isinstance(part, torch.nn.Dropout)} == {share}
