"""A summary for a text: what is encoded, counted, written and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.contracts import Draw
from finetune.data.text import Marks, TextProcessor
from finetune.tasks.summarization import IGNORED, Summarization
from tests.unit import small_tokenizer

ROWS = [{"text": "a good film with a long text", "summary": "good film"}, {"text": "bad", "summary": "bad"}]


@pytest.fixture(scope="module")
def processor() -> TextProcessor:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["<pad>", "</s>", "<unk>", "a", "good", "film", "with", "long", "text", "bad", "summarize", ":"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return TextProcessor(tokenizer, ("input_ids", "attention_mask"), 0, 512, Marks(0, 1, 0))


def collated(processor: TextProcessor, rows: list[dict[str, str]] = ROWS, **settings: Any) -> Any:
    task = Summarization(**settings)
    return task, task.collate(task.encode(rows, processor), processor)


def test_the_decoder_sees_the_summary_one_token_late(processor: TextProcessor) -> None:
    _, batch = collated(processor)
    assert batch.targets["ids"].tolist() == [[4, 5, 1], [9, 1, IGNORED]]
    assert batch.inputs["decoder_input_ids"].tolist() == [[0, 4, 5], [0, 9, 0]]


def test_the_prefix_stands_before_every_text(processor: TextProcessor) -> None:
    _, batch = collated(processor, prefix="summarize: ")
    assert batch.inputs["input_ids"][:, :2].tolist() == [[10, 11]] * 2


def test_padding_is_not_counted(processor: TextProcessor) -> None:
    task, batch = collated(processor)
    assert task.count(batch) == 3 + 2


def test_padding_is_in_no_loss(processor: TextProcessor) -> None:
    import torch

    from finetune.evaluate.infer import tensors

    task, batch = collated(processor)
    logits = torch.randn(2, 3, 12, generator=torch.Generator().manual_seed(0))
    total, count = task.loss({"logits": logits}, tensors(batch))
    by_hand = -sum(logits[row, place].log_softmax(0)[target] for row, targets in enumerate([[4, 5, 1], [9, 1]])
                   for place, target in enumerate(targets))
    torch.testing.assert_close(total, by_hand)
    assert count == 5
    logits[1, 2] = 1e4  # of the padded place
    assert task.loss({"logits": logits}, tensors(batch)).total == total


def test_the_loss_of_a_batch_is_that_of_its_rows(processor: TextProcessor) -> None:
    task, whole = collated(processor)
    parts = [task.collate(task.encode([row], processor), processor) for row in ROWS]
    assert sum(task.count(part) for part in parts) == task.count(whole)


def test_texts_and_summaries_are_cut_and_the_cut_is_known(processor: TextProcessor) -> None:
    task = Summarization(max_tokens=4, max_summary_tokens=2)
    example = task.encode(ROWS[:1], processor)[0]
    assert example["input_ids"] == [3, 4, 5, 1]
    assert example["full_length"] == 8
    assert example["target"] == [4, 1]
    assert example["full_target_length"] == 3


def test_rows_without_a_summary_are_encoded_without_target(processor: TextProcessor) -> None:
    task, batch = collated(processor, [{"text": "bad"}])
    assert not batch.targets
    assert list(batch.inputs) == ["input_ids", "attention_mask"]
    predicted = task.predict({"sequences": np.array([[4, 5, 1, 0]])}, batch)
    assert task.answers(predicted) == [{"summary": "good film"}]


def test_predictions_are_texts_with_their_counts(processor: TextProcessor) -> None:
    task, batch = collated(processor)
    columns = task.predict({"sequences": np.array([[4, 5, 1], [4, 1, 0]])}, batch)
    assert columns["prediction"].tolist() == ["good film", "good"]
    assert columns["target"].tolist() == ["good film", "bad"]
    found = task.score(columns)
    assert (found[task.primary], found["rouge1"]) == (0.5, 0.5)
    assert {len(column) for column in columns.values()} == {2}


def test_worst_rows_come_first_and_right_ones_not_at_all(processor: TextProcessor) -> None:
    task, batch = collated(processor, [*ROWS, {"text": "a", "summary": "a bad film"}])
    columns = task.predict({"sequences": np.array([[4, 5, 1], [4, 1, 0], [9, 1, 0]])}, batch)
    assert [(place, told["label"], told["prediction"]) for place, told in task.mistakes(columns, 5)] == [
        (1, "bad", "good"), (2, "a bad film", "bad")]
    assert len(task.mistakes(columns, 1)) == 1


def test_baselines_are_the_first_sentence_and_the_nearest_summary() -> None:
    rows = [{"text": "A red car. It drove off.", "summary": "red car"}, {"text": "A blue boat! It sank.", "summary": "boat"}]
    asked = [{"text": "One more blue boat. It sank too.", "summary": "boat"}]
    found = Summarization().baselines(rows, asked, seed=0)
    assert {name: columns["prediction"].tolist() for name, columns in found.items()} == {
        "first_sentence": ["One more blue boat."], "nearest_summary": ["boat"]}
    assert Summarization().score(found["nearest_summary"])["rougeL"] == 1.0


def test_nothing_is_changed_at_random(processor: TextProcessor) -> None:
    import pyarrow as pa

    from finetune.data.examples import Examples

    task = Summarization()
    examples = Examples(pa.Table.from_pylist(ROWS), task, processor)
    assert task.augment(examples, Draw(1, 2, 0)) == examples[0]
    assert examples.lengths().tolist() == [8 + 3, 2 + 2]


def test_marks_travel_with_the_processor(processor: TextProcessor, tmp_path: Path) -> None:
    processor.save(tmp_path)
    assert TextProcessor.load(tmp_path).marks == processor.marks
    small_tokenizer.processor().save(tmp_path)
    assert TextProcessor.load(tmp_path).marks is None
