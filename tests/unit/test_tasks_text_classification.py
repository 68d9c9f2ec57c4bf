"""What is particular to texts: tokens, their padding, and the limits of a length."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from finetune.contracts import Batch
from finetune.data.examples import Examples
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


def test_texts_are_not_augmented_unless_it_is_asked_for() -> None:
    examples = Examples(pa.Table.from_pylist(ROWS), TASK, processor())
    assert examples.augmented(0, seed=0, epoch=0) is examples[0]


def test_augmented_text_is_encoded_anew_and_the_row_itself_stays() -> None:
    task = replace(TASK, max_tokens=20, augmentations=("swap_words",))
    examples = Examples(pa.Table.from_pylist(ROWS), task, processor())
    before = dict(examples[0])
    found = [examples.augmented(0, seed=1, epoch=epoch) for epoch in range(5)]
    assert all(sorted(example["input_ids"]) == sorted(before["input_ids"]) for example in found)
    assert len({tuple(example["input_ids"]) for example in found}) > 2
    assert {example["target"] for example in found} == {1}
    assert examples[0] == before


def test_synonyms_and_their_file_go_together(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("a, b\n")
    named = replace(TASK, augmentations=("synonyms",))
    assert named.problems() == [
        "task.synonyms: no file is given, and task.augmentations names synonyms. Add task.synonyms=FILE, one group of"
        " words a line, separated by commas."]
    given = str(tmp_path / "words.txt")
    assert replace(named, synonyms=given).problems() == []
    assert replace(TASK, synonyms=given).problems() == [
        f"task.synonyms: {given} is given but not used. Add synonyms to task.augmentations, or leave it out."]
    examples = Examples(pa.Table.from_pylist(ROWS), replace(named, synonyms=given), processor())
    assert examples.augmented(1, seed=0, epoch=0)["input_ids"] == [2, 5, 3]


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


@pytest.mark.parametrize("num_labels", [3, 4, 9])
def test_right_labels_among_the_three_likeliest_are_counted_where_there_are_more(num_labels: int) -> None:
    from sklearn.metrics import top_k_accuracy_score

    random = np.random.default_rng(num_labels)
    task = TextClassification(labels=tuple("abcdefghi"[:num_labels]), temperature=2.0)
    logits, target = random.normal(size=(50, num_labels)), random.integers(0, num_labels, 50)
    columns = task.predict({"logits": logits}, Batch({}, {"target": target}, 50))
    found = task.score(columns)
    if num_labels == 3:
        assert "top_3" not in found and "top" not in columns
    else:
        assert found["top_3"] == top_k_accuracy_score(target, logits, k=3, labels=range(num_labels)) >= found["accuracy"]
    rows = [{"text": "x", "label": label} for label in "abca"]
    for theirs in task.baselines(rows, rows, seed=1).values():
        assert ("top_3" in task.score({"target": np.array([0, 1, 2, 0]), **theirs})) == (num_labels > 3)
