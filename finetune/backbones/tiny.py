"""Miniatures of each architecture with random weights, written as folders: for tests and quick looks at a pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WIDTH = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
IDS = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
BYTE_IDS = {"pad_token_id": 1, "cls_token_id": 0, "bos_token_id": 0, "sep_token_id": 2, "eos_token_id": 2}
PIECES = 400  # 256 bytes, five special tokens, and pairs of them
TEXT: dict[str, dict[str, Any]] = {
    "bert": {**WIDTH, "max_position_embeddings": 160},
    "roberta": {**WIDTH, **IDS, "max_position_embeddings": 162, "type_vocab_size": 1},
    "modernbert": {**WIDTH, **IDS, "max_position_embeddings": 160, "local_attention": 32, "reference_compile": False},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 160},
}
SEQ2SEQ: dict[str, dict[str, Any]] = {  # encoders with decoders; the ids are those of the vocabulary below
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2, "pad_token_id": 0, "eos_token_id": 3,
           "decoder_start_token_id": 0},
    "bart": {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
             "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 160,
             "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3,
             "forced_bos_token_id": 2, "forced_eos_token_id": None},
}
DROPOUT = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "dropout_rate",
           "seq_classif_dropout", "qa_dropout", "drop_connect_rate", "drop_path_rate")
IMAGE: dict[str, dict[str, Any]] = {
    "vit": {**WIDTH, "image_size": 32, "patch_size": 8},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"},
    "convnext": {"num_stages": 2, "hidden_sizes": [8, 16], "depths": [1, 2], "image_size": 32},
    "efficientnet": {"width_coefficient": 0.025, "depth_coefficient": 1.0, "hidden_dim": 32, "image_size": 32,
                     "kernel_sizes": [3, 5], "in_channels": [320, 320], "out_channels": [320, 640],
                     "depthwise_padding": [], "strides": [1, 2], "num_block_repeats": [1, 2], "expand_ratios": [1, 2]},
    "mobilenet_v2": {"depth_multiplier": 0.1, "min_depth": 8, "finegrained_output": False, "image_size": 32},
}
# Miniature -> architecture of timm, and what makes it small.
TIMM: dict[str, tuple[str, dict[str, Any]]] = {
    "timm_vit": ("vit_tiny_patch16_224",
                 {"depth": 2, "embed_dim": 32, "num_heads": 2, "patch_size": 8, "img_size": 32}),
    "timm_convnext": ("convnext_atto", {"depths": [1, 1, 1, 1], "dims": [8, 8, 16, 16]}),
    "timm_efficientnet": ("test_efficientnet", {}),
    "timm_mobilenetv3": ("mobilenetv3_small_050", {}),
}
# The image processors that the weights of these architectures come with; the others have that of a ViT.
PROCESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "convnext": ("ConvNextImageProcessor", {"size": {"shortest_edge": 32}, "crop_pct": 0.875}),
    # Its weights were taught with this deviation squared, and include_top divides twice by it.
    "efficientnet": ("EfficientNetImageProcessor", {"size": {"height": 32, "width": 32}, "include_top": True,
                                                    "image_std": [0.47853944, 0.4732864, 0.47434163]}),
    "mobilenet_v2": ("MobileNetV2ImageProcessor", {"size": {"shortest_edge": 36},
                                                   "crop_size": {"height": 32, "width": 32}}),
}


def write(architecture: str, folder: Path, *, words: Sequence[str] = (), dropout: float = 0.1, seed: int = 0,
          byte_level: bool = False) -> Path:
    """A folder that `model.name=` accepts; text models get a word-level vocabulary of `words`.

    With `byte_level` a RoBERTa has pieces of them, as its weights on the Hub have them.
    """
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM

    torch.manual_seed(seed)
    if architecture in TIMM:
        return _write_timm(architecture, folder, dropout)
    settings = dict({**TEXT, **SEQ2SEQ, **IMAGE}[architecture])
    if architecture not in IMAGE:
        settings |= {"vocab_size": PIECES, **BYTE_IDS} if byte_level else {"vocab_size": len(words) + 5}
    for name in DROPOUT:
        settings[name] = dropout
    kind = AutoModelForSeq2SeqLM if architecture in SEQ2SEQ else AutoModel
    model = kind.from_config(AutoConfig.for_model(architecture, **settings))
    if architecture in SEQ2SEQ:  # a configuration of transformers 5 does not take it, that of generating does
        model.generation_config.forced_bos_token_id = settings.get("forced_bos_token_id")
    model.save_pretrained(folder)
    if byte_level:
        _write_pieces(folder, words)
    elif architecture not in IMAGE:
        _write_tokenizer(architecture, folder, words)
    else:
        _write_image_processor(architecture, folder)
    return folder


def family(architecture: str) -> str:
    """The loader that reads a miniature's folder."""
    return "timm" if architecture in TIMM else "hf"


def _write_timm(architecture: str, folder: Path, dropout: float) -> Path:
    from transformers import TimmWrapperConfig, TimmWrapperForImageClassification

    name, smaller = TIMM[architecture]
    pictures = {"input_size": [3, 32, 32], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
                "interpolation": "bicubic", "crop_pct": 0.875}
    config = TimmWrapperConfig(architecture=name, pretrained_cfg=pictures, num_labels=2,
                               model_args={**smaller, "drop_rate": dropout, "drop_path_rate": dropout})
    TimmWrapperForImageClassification(config).save_pretrained(folder)
    return folder


def _write_image_processor(architecture: str, folder: Path) -> None:
    import transformers

    settings = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    kind, own = PROCESSORS.get(architecture, ("ViTImageProcessor", {}))
    getattr(transformers, kind)(**settings | own).save_pretrained(folder)


def _write_pieces(folder: Path, words: Sequence[str]) -> None:
    """Byte pairs with the ids and the treatment of blanks that FacebookAI/roberta-base has."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=PIECES, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([" ".join(words)], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", pad_token="<pad>", eos_token="</s>",
        sep_token="</s>", unk_token="<unk>", mask_token="<mask>", model_max_length=160,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)


def _write_tokenizer(architecture: str, folder: Path, words: Sequence[str]) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(words)]
    vocabulary = {word: position for position, word in enumerate(known)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [SEP]" if architecture == "t5" else "[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    inputs = ["input_ids", "attention_mask"] + (["token_type_ids"] if architecture == "bert" else [])
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
               "mask_token": "[MASK]", "eos_token": "[SEP]"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": inputs, "model_max_length": 160}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | special, indent=2))
