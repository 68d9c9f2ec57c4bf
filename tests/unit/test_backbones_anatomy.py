"""Head, blocks and stem of every architecture that people fine-tune, found without knowing any by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    DeiTForImageClassification,
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
)

from finetune.backbones import anatomy, hf

TEXT = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 60,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
# architecture -> head; first block, last block and how many; the last weight of what lies below the blocks
TRANSFORMERS = {
    "bert": ("bert.pooler classifier", "bert.encoder.layer.0", "bert.encoder.layer.2", 3, "bert.embeddings.LayerNorm.bias"),
    "roberta": ("classifier", "roberta.encoder.layer.0", "roberta.encoder.layer.2", 3, "roberta.embeddings.LayerNorm.bias"),
    "electra": ("classifier", "electra.encoder.layer.0", "electra.encoder.layer.2", 3, "electra.embeddings_project.bias"),
    "modernbert": ("head classifier", "model.layers.0", "model.layers.2", 3, "model.embeddings.norm.weight"),
    "deberta-v2": ("pooler classifier", "deberta.encoder.layer.0", "deberta.encoder.layer.2", 3, "deberta.embeddings.LayerNorm.bias"),
    "albert": ("albert.pooler classifier", "albert.encoder.albert_layer_groups.0", "albert.encoder.albert_layer_groups.0", 1,
               "albert.encoder.embedding_hidden_mapping_in.bias"),
    "distilbert": ("pre_classifier classifier", "distilbert.transformer.layer.0", "distilbert.transformer.layer.5", 6,
                   "distilbert.embeddings.LayerNorm.bias"),
    "vit": ("classifier", "vit.encoder.layer.0", "vit.encoder.layer.11", 12, "vit.embeddings.patch_embeddings.projection.bias"),
    "deit": ("classifier", "deit.encoder.layer.0", "deit.encoder.layer.11", 12, "deit.embeddings.patch_embeddings.projection.bias"),
    "dinov2": ("classifier", "dinov2.encoder.layer.0", "dinov2.encoder.layer.11", 12,
               "dinov2.embeddings.patch_embeddings.projection.bias"),
    "swin": ("classifier", "swin.encoder.layers.0", "swin.encoder.layers.3", 4, "swin.embeddings.norm.bias"),
    "convnext": ("classifier", "convnext.encoder.stages.0", "convnext.encoder.stages.3", 4, "convnext.embeddings.layernorm.bias"),
    "efficientnet": ("classifier", "efficientnet.encoder.blocks.0", "efficientnet.encoder.blocks.54", 55,
                     "efficientnet.embeddings.batchnorm.bias"),
    "mobilenet_v2": ("classifier", "mobilenet_v2.layer.0", "mobilenet_v2.layer.15", 16,
                     "mobilenet_v2.conv_stem.reduce_1x1.normalization.bias"),
    "resnet": ("classifier", "resnet.encoder.stages.0", "resnet.encoder.stages.3", 4, "resnet.embedder.embedder.normalization.bias"),
}
if hf.MAJOR >= 5:  # the names inside a model; those in its file stayed
    TRANSFORMERS |= {
        "roberta": (*TRANSFORMERS["roberta"][:4], "roberta.embeddings.position_embeddings.weight"),
        "vit": ("classifier", "vit.layers.0", "vit.layers.11", 12, "vit.embeddings.patch_embeddings.projection.bias"),
        "deit": ("classifier", "deit.layers.0", "deit.layers.11", 12, "deit.embeddings.patch_embeddings.projection.bias"),
    }
TIMM = {
    "resnet18": ("fc", "layer1", "layer4", 4, "bn1.bias"),
    "resnet10t": ("fc", "layer1", "layer4", 4, "bn1.bias"),  # its stem is a Sequential, as its stages are
    "vit_tiny_patch16_224": ("head", "blocks.0", "blocks.11", 12, "patch_embed.proj.bias"),
    "deit_tiny_distilled_patch16_224": ("head head_dist", "blocks.0", "blocks.11", 12, "patch_embed.proj.bias"),
    "convnext_atto": ("head", "stages.0", "stages.3", 4, "stem.1.bias"),
    "swin_tiny_patch4_window7_224": ("head", "layers.0", "layers.3", 4, "patch_embed.norm.bias"),
    "efficientnet_b0": ("classifier", "blocks.0", "blocks.6", 7, "bn1.bias"),
    "mobilenetv3_small_050": ("classifier", "blocks.0", "blocks.5", 6, "bn1.bias"),
    "regnety_002": ("head", "s1", "s4", 4, "stem.bn.bias"),
}
PICTURES = ("vit", "deit", "dinov2", "swin", "convnext", "resnet", "efficientnet", "mobilenet_v2")


def built(name: str) -> Any:
    """The architecture with three labels, without the memory for its weights."""
    with torch.device("meta"):
        if name in TIMM:
            return TimmWrapperForImageClassification(TimmWrapperConfig(architecture=name, num_labels=3))
        if name == "deit":  # the Auto class asks which of its two heads
            return DeiTForImageClassification(AutoConfig.for_model(name, num_labels=3))
        auto: Any = AutoModelForImageClassification if name in PICTURES else AutoModelForSequenceClassification
        settings = TEXT if name not in (*PICTURES, "distilbert") else {}
        return auto.from_config(AutoConfig.for_model(name, **settings, num_labels=3))


@pytest.mark.parametrize("name", [*TRANSFORMERS, *TIMM])
def test_parts_are_found_from_the_modules(name: str) -> None:
    model = built(name)
    prefix = "timm_model." if name in TIMM else ""
    head, first, last, count, stem = (TRANSFORMERS | TIMM)[name]
    row = anatomy.blocks(model)
    assert anatomy.head(model) == tuple(prefix + part for part in head.split())
    assert (row[0], row[-1], len(row)) == (prefix + first, prefix + last, count)
    assert anatomy.below(model, 0)[-1] == prefix + stem


@pytest.mark.parametrize("name", ["bert", "modernbert", "swin", "resnet18", "vit_tiny_patch16_224"])
def test_depth_is_cut_between_two_blocks(name: str) -> None:
    model = built(name)
    row, names = anatomy.blocks(model), [name for name, _ in model.named_parameters()]
    for depth in range(len(row) + 1):
        lower, upper = anatomy.below(model, depth), names[len(anatomy.below(model, depth)):]
        assert lower == names[: len(lower)]
        assert [block for block in row if any(anatomy.within(name, block) for name in lower)] == list(row[:depth])
        assert [block for block in row if any(anatomy.within(name, block) for name in upper)] == list(row[depth:])
        assert all(any(anatomy.within(name, part) for name in upper) for part in anatomy.head(model))


def test_weights_that_the_file_did_not_bring_belong_to_the_head() -> None:
    fresh = ("vit.layernorm.weight", "vit.layernorm.bias", "classifier.weight")
    assert anatomy.head(built("vit"), fresh) == ("vit.layernorm", "classifier")


def test_of_modules_within_each_other_the_outer_one_is_named() -> None:
    assert anatomy.head(built("bert"), ("bert.pooler.dense.weight",)) == ("bert.pooler", "classifier")


def test_network_without_a_row_of_blocks_has_none() -> None:
    model = nn.Module()
    model.first, model.last, model.base_model_prefix = nn.Linear(3, 3), nn.Linear(3, 2), ""
    assert anatomy.blocks(model) == ()


@pytest.mark.parametrize(("name", "outer", "inside"), [
    ("a.b.c", "a.b", True), ("a.b", "a.b", True), ("a.bc", "a.b", False), ("a", "a.b", False), ("a.b", "", True),
])
def test_names_are_compared_by_their_parts(name: str, outer: str, inside: bool) -> None:
    assert anatomy.within(name, outer) is inside
