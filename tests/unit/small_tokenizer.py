"""A tokenizer of a few known words, whose ids can be counted by hand."""

from __future__ import annotations

from tokenizers import Tokenizer, models, pre_tokenizers, processors

from finetune.data.text import TextProcessor

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "e", "f")  # a word's id is its place here
ALL_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def processor(*, inputs: tuple[str, ...] = ALL_INPUTS, max_tokens: int = 512, special: bool = True) -> TextProcessor:
    """`a b` becomes [CLS] a b [SEP], or a b alone without special tokens."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return TextProcessor(tokenizer, inputs, 0, max_tokens)
