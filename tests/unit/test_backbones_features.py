"""Pooled features of miniature backbones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from finetune.backbones import tiny
from finetune.contracts import Head

torch = pytest.importorskip("torch")


def head(auto: str) -> Head:
    return Head(auto, ("a", "b"), "single_label_classification")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory):
    from finetune.backbones import hf

    folder = tiny.write("bert", tmp_path_factory.mktemp("bert"), words=["good", "bad", "film"], dropout=0.5)
    return hf.load(folder, head("AutoModelForSequenceClassification")).model


def test_mean_leaves_out_padding_and_dropout(bert) -> None:
    from finetune.backbones import features

    short = {"input_ids": torch.tensor([[2, 5, 7, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.long)}
    padded = {"input_ids": torch.tensor([[2, 5, 7, 3, 0, 0]]), "attention_mask": torch.tensor([[1, 1, 1, 1, 0, 0]])}
    bert.train()
    alone, beside = features.pooled(bert, short), features.pooled(bert, padded)
    assert alone.shape == (1, 32) and alone.dtype == np.float32
    assert alone == pytest.approx(beside, abs=1e-5)


def test_no_random_number_is_drawn(bert) -> None:
    from finetune.backbones import features

    before = torch.random.get_rng_state()
    features.pooled(bert, {"input_ids": torch.tensor([[2, 5, 3]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)})
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(("architecture", "width"), [("resnet", 16), ("vit", 32), ("convnext", 16), ("efficientnet", 32), ("mobilenet_v2", 128)])
def test_pictures_have_one_row_of_features_each(architecture: str, width: int, tmp_path: Path) -> None:
    from finetune.backbones import features, hf

    model = hf.load(tiny.write(architecture, tmp_path / "model"), head("AutoModelForImageClassification")).model
    found = features.pooled(model, {"pixel_values": torch.rand(3, 3, 32, 32)})
    assert found.shape == (3, width)


def test_features_of_timm_are_what_its_classifier_gets() -> None:
    from finetune.backbones import features, timm

    model = timm.random("resnet10t", head("AutoModelForImageClassification")).model.eval()
    pixels = torch.rand(2, 3, 64, 64)
    found = features.pooled(model, {"pixel_values": pixels})
    with torch.inference_mode():
        logits = model.timm_model.get_classifier()(torch.from_numpy(found))
        assert logits.numpy() == pytest.approx(model(pixel_values=pixels).logits.numpy(), abs=1e-4)
