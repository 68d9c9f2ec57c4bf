"""What is particular to texts: tokens, their padding, and the limits of a length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from finetune.tasks.text_classification import TextClassification
from tests.unit.small_tokenizer import processor

TASK = TextClassification(labels=("bad", "good"), max_tokens=5)
ROWS = [{"text": "a b c d e f", "label": "good"}, {"text": "a", "label": "bad"}]


def test_texts_are_cut_to_the_tokens_of_the_task() -> None:
    examples = TASK.encode(ROWS, processor())
    assert [example["input_ids"] for example in examples] == [[2, 4, 5, 6, 3], [2, 4, 3]]
    assert [example["full_length"] for example in examples] == [8, 3]


def test_length_is_the_number_of_tokens() -> None:
    assert [TASK.length(example) for example in TASK.encode(ROWS, processor())] == [5, 3]


def test_texts_are_padded_to_the_longest_of_the_batch() -> None:
    made = replace(processor(), pad_id=9)
    inputs = TASK.collate(TASK.encode(ROWS, made), made).inputs
    assert inputs["input_ids"].tolist() == [[2, 4, 5, 6, 3], [2, 4, 3, 9, 9]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert inputs["token_type_ids"].tolist() == [[0] * 5, [0] * 5]
    assert {array.dtype for array in inputs.values()} == {np.dtype(np.int64)}


def test_batch_holds_the_inputs_that_the_backbone_names_and_no_others() -> None:
    made = processor(inputs=("input_ids", "attention_mask"))
    assert list(TASK.collate(TASK.encode(ROWS, made), made).inputs) == ["input_ids", "attention_mask"]


def test_texts_are_not_augmented() -> None:
    (example,) = TASK.encode(ROWS[:1], processor())
    assert TASK.augment(example, np.random.default_rng(0)) is example


def test_head_is_a_sequence_classifier() -> None:
    assert (TASK.head.auto, TASK.head.size) == ("AutoModelForSequenceClassification", None)
    assert (TASK.onnx_task, TASK.primary) == ("text-classification", "accuracy")


@pytest.mark.parametrize("max_tokens", [2, 1, 0, -5])
def test_length_without_room_for_text_is_a_problem(max_tokens: int) -> None:
    assert replace(TASK, max_tokens=max_tokens).problems() == [
        f"task.max_tokens: {max_tokens} found, at least 3 are needed: one token of text between the two special ones."
        " Use for example 128."]


def test_shortest_length_still_holds_a_token_of_text() -> None:
    shortest = replace(TASK, max_tokens=3)
    assert shortest.problems() == []
    assert [example["input_ids"] for example in shortest.encode(ROWS, processor())] == [[2, 4, 3], [2, 4, 3]]


def test_all_problems_come_at_once() -> None:
    found = replace(TASK, labels=("a",), max_tokens=0).problems()
    assert [problem.partition(":")[0] for problem in found] == ["task.labels", "task.max_tokens"]
