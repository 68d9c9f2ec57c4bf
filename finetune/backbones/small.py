"""A small encoder-decoder with random weights for small data sets, with a tokenizer that is learnt from their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import transformers

from finetune.backbones import hf
from finetune.errors import BackboneError, nearest

if TYPE_CHECKING:
    from finetune.contracts import Head, Loaded

MOST_TOKENS = 512  # of a text
VOCABULARY = 2_000  # tokens: words that are frequent in some hundred texts are whole, others are pieces
SMALL: dict[str, dict[str, Any]] = {
    "small-t5": {"d_model": 128, "d_kv": 32, "d_ff": 256, "num_layers": 2, "num_heads": 4},
}
PAD, END = "<pad>", "</s>"


def random(name: str, head: Head, *, texts: Iterable[str]) -> Loaded:
    """The architecture with new weights from torch's current random state; the same texts give the same tokenizer."""
    if name not in SMALL:
        raise BackboneError(f"model.sample: {name}", f"there is no such small model. Small models: {', '.join(SMALL)}."
                                                     f"{nearest(name, SMALL)}")
    native = transformers.PreTrainedTokenizerFast(tokenizer_object=_tokenizer(texts), pad_token=PAD, eos_token=END,
                                                  model_max_length=MOST_TOKENS,
                                                  model_input_names=["input_ids", "attention_mask"])
    config = transformers.T5Config(vocab_size=len(native), decoder_start_token_id=native.pad_token_id,
                                   pad_token_id=native.pad_token_id, eos_token_id=native.eos_token_id, **SMALL[name])
    model = getattr(transformers, head.auto).from_config(config)
    made = hf.with_tokenizer(model, native, head, place=name)
    return replace(made, settings_from="learnt from the training rows")


def _tokenizer(texts: Iterable[str]) -> Any:
    """Byte pairs (Sennrich et al., ACL 2016): no text is unknown to it, and it gives every text back as it was."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=[PAD, END], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(_nonempty(texts), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, 1)])
    return tokenizer


def _nonempty(texts: Iterable[str]) -> Iterator[str]:
    yield from (text for text in texts if text)
