"""Text to token ids: what is cut, what is counted, what is kept on disk. Ids are places in small_tokenizer.WORDS."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from finetune.data.text import TextProcessor
from tests.unit.small_tokenizer import WORDS, processor

PAD, UNK, CLS, SEP, A, B, C, D, E, F = range(len(WORDS))


def ids(texts: list[str], max_tokens: int) -> list[list[int]]:
    return [example["input_ids"] for example in processor().encode(texts, max_tokens)]


def test_words_become_their_ids_between_special_tokens() -> None:
    assert ids(["a b", "c zebra", ""], 128) == [[CLS, A, B, SEP], [CLS, C, UNK, SEP], [CLS, SEP]]


def test_cut_keeps_the_special_tokens_at_both_ends() -> None:
    assert ids(["a b c d e"], 4) == [[CLS, A, B, SEP]]
    assert ids(["a b c d e"], 3) == [[CLS, A, SEP]]


def test_text_that_just_fits_is_not_cut() -> None:
    (example,) = processor().encode(["a b c"], 5)
    assert example["input_ids"] == [CLS, A, B, C, SEP]
    assert example["full_length"] == 5


@pytest.mark.parametrize(("text", "max_tokens", "full_length"), [
    ("", 8, 2), ("a", 8, 3), ("a b c d e f", 8, 8), ("a b c d e f a", 8, 9), (" ".join("abcdef" * 200), 8, 1202),
    (" ".join("abcdef" * 200), 3, 1202),
])
def test_full_length_counts_what_the_cut_took(text: str, max_tokens: int, full_length: int) -> None:
    (example,) = processor().encode([text], max_tokens)
    assert example["full_length"] == full_length
    assert len(example["input_ids"]) == min(full_length, max_tokens)


def test_full_length_without_special_tokens() -> None:
    (example,) = processor(special=False).encode(["a b c d e"], 2)
    assert example["input_ids"] == [A, B]
    assert example["full_length"] == 5


def test_backbone_has_the_last_word_on_the_length() -> None:
    (example,) = processor(max_tokens=4).encode(["a b c d e"], 128)
    assert example["input_ids"] == [CLS, A, B, SEP]


def test_cut_of_one_call_does_not_reach_the_next() -> None:
    made = processor()
    made.encode(["a b c d"], 3)
    assert made.encode(["a b c d"], 128)[0]["input_ids"] == [CLS, A, B, C, D, SEP]


def test_examples_of_one_call_are_not_padded() -> None:
    assert [len(row) for row in ids(["a", "a b c"], 128)] == [3, 5]


@pytest.mark.parametrize("inputs", [
    ("input_ids",), ("input_ids", "attention_mask"), ("input_ids", "attention_mask", "token_type_ids"),
])
def test_inputs_are_those_that_the_backbone_names(inputs: tuple[str, ...]) -> None:
    (example,) = processor(inputs=inputs).encode(["a b"], 128)
    assert set(example) == {*inputs, "full_length"}


def test_mask_is_one_and_type_is_zero_for_every_token() -> None:
    (example,) = processor().encode(["a b"], 128)
    assert example["attention_mask"] == [1, 1, 1, 1]
    assert example["token_type_ids"] == [0, 0, 0, 0]


def test_saved_processor_gives_the_same_ids(tmp_path: Path) -> None:
    made = processor(inputs=("input_ids", "attention_mask"), max_tokens=20)
    before = made.encode(["a b c d e f", "a"], 5)
    made.save(tmp_path)
    loaded = TextProcessor.load(tmp_path)
    assert loaded.encode(["a b c d e f", "a"], 5) == before
    assert loaded.encode(["a b c d e f"], 128)[0]["input_ids"] == [CLS, A, B, C, D, E, F, SEP]
    assert (loaded.inputs, loaded.pad_id, loaded.max_tokens) == (("input_ids", "attention_mask"), 0, 20)


def test_saved_files_are_a_tokenizer_and_its_settings(tmp_path: Path) -> None:
    processor(max_tokens=20).save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["processor.json", "tokenizer.json"]
    assert json.loads((tmp_path / "processor.json").read_text()) == {
        "kind": "text", "inputs": ["input_ids", "attention_mask", "token_type_ids"], "pad_id": 0, "max_tokens": 20}


def test_full_disk_is_told_as_such_and_leaves_the_earlier_tokenizer(tmp_path: Path) -> None:
    processor().save(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            processor(max_tokens=4).save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert TextProcessor.load(tmp_path).encode(["a b"], 9) == processor().encode(["a b"], 9)
