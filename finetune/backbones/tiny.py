"""Miniatures of each architecture with random weights, written as folders: for tests and quick looks at a pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WIDTH = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
IDS = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
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
           "seq_classif_dropout", "qa_dropout")
IMAGE: dict[str, dict[str, Any]] = {
    "vit": {**WIDTH, "image_size": 32, "patch_size": 8},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"},
}


def write(architecture: str, folder: Path, *, words: Sequence[str] = (), dropout: float = 0.1, seed: int = 0) -> Path:
    """A folder that `model.name=` accepts; text models get a word-level vocabulary of `words`."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM, ViTImageProcessor

    torch.manual_seed(seed)
    settings = dict({**TEXT, **SEQ2SEQ, **IMAGE}[architecture])
    if architecture not in IMAGE:
        settings["vocab_size"] = len(words) + 5
    for name in DROPOUT:
        settings[name] = dropout
    kind = AutoModelForSeq2SeqLM if architecture in SEQ2SEQ else AutoModel
    model = kind.from_config(AutoConfig.for_model(architecture, **settings))
    if architecture in SEQ2SEQ:  # a configuration of transformers 5 does not take it, that of generating does
        model.generation_config.forced_bos_token_id = settings.get("forced_bos_token_id")
    model.save_pretrained(folder)
    if architecture not in IMAGE:
        _write_tokenizer(architecture, folder, words)
    else:
        side = {"height": 32, "width": 32}
        ViTImageProcessor(size=side, image_mean=[0.5] * 3, image_std=[0.5] * 3).save_pretrained(folder)
    return folder


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
