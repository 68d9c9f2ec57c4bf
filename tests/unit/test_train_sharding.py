"""What of a model is cut, and that whole ones are left as they are; sharded ones are in tests/parity."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from finetune.backbones import tiny
from finetune.train import sharding
from tests.conftest import sample_words


@pytest.mark.parametrize(("kind", "expected"), [("bert", ["BertLayer"]), ("distilbert", ["TransformerBlock"]), ("vit", ["ViTLayer"]),
                                                ("resnet", ["ResNetStage"])])
def test_blocks_are_the_layers_that_a_backbone_repeats(kind: str, expected: list[str], tmp_path: Path) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(tiny.write(kind, tmp_path, words=sample_words()))
    assert sharding.blocks(model) == expected


def test_layers_without_weights_are_no_blocks() -> None:
    model = torch.nn.Sequential(torch.nn.Sequential(torch.nn.ReLU(), torch.nn.ReLU()), torch.nn.Linear(2, 2))
    assert sharding.blocks(model) == []


def test_whole_models_and_optimizers_are_left_as_they_are() -> None:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    assert not sharding.is_sharded(model)
    for part in (model, optimizer):
        assert sharding.gathered(part, keep=True) is part
        assert sharding.shared_out(part) is part
