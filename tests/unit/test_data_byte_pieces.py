"""Byte pairs, as RoBERTa has them: words and answers are found again among pieces that carry their blanks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from finetune.backbones import hf, tiny
from finetune.data import windows
from finetune.data.text import TextProcessor
from finetune.tasks.question_answering import QuestionAnswering
from finetune.tasks.token_classification import TokenClassification
from tests.conftest import sample_words

TAGS = TokenClassification(labels=("LOC", "PER"), max_tokens=24, overlap=4, words="spaced")
ANSWERS = QuestionAnswering(max_tokens=64, overlap=16, no_answer="never")
TEXT = "Zoë Lund-Ahmed visited Tromsø, 東京 and Zürich on the 3rd; nobody else in Llanfairpwllgwyngyll came along that day."


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return hf.load(tiny.write("roberta", tmp_path_factory.mktemp("roberta"), words=sample_words(), byte_level=True), TAGS.head)


def test_ids_and_positions_are_those_of_a_roberta(loaded: Any) -> None:
    processor: TextProcessor = loaded.processor
    assert (processor.inputs, processor.pad_id, processor.max_tokens) == (("input_ids", "attention_mask"), 1, 159 + 1)
    ids = processor.encode(["good"], 16)[0]["input_ids"]
    assert (ids[0], ids[-1]) == (0, 2)
    assert processor.decode(ids[1:-1]) == "good"


def test_words_are_cut_as_they_are_in_the_text(loaded: Any) -> None:
    """A word behind another one carries its blank: alone, each would be other pieces than pretraining saw."""
    words = ["a", "lovely", "film"]
    of_words = windows.of_words([words], loaded.processor, max_tokens=24, overlap=4)[0][0]
    assert of_words["input_ids"] == loaded.processor.encode([" ".join(words)], 24)[0]["input_ids"]


def test_every_word_counts_once_whatever_its_pieces(loaded: Any) -> None:
    rows = [{"row": "r:0", "tokens": TEXT.split(), "label": ["O"] * len(TEXT.split())}]
    examples = TAGS.encode(rows, loaded.processor)
    batch = TAGS.collate(examples, loaded.processor)
    assert len(examples[0]["windows"]) > 2
    assert TAGS.count(batch) == len(TEXT.split())
    first = batch.targets["word"] != windows.NOWHERE
    assert sorted(batch.targets["word"][first].tolist()) == list(range(len(TEXT.split())))
    assert (batch.inputs["input_ids"][batch.inputs["attention_mask"] == 0] == 1).all()


def test_entities_come_back_as_they_stand_in_the_text(loaded: Any) -> None:
    batch = TAGS.collate(TAGS.encode([{"row": "r:0", "tokens": TEXT}], loaded.processor), loaded.processor)
    words = list(batch.targets["words"][0])
    wanted = {"Zoë": "B-PER", "Lund-Ahmed": "I-PER", "Tromsø": "B-LOC", "東京": "B-LOC", "Llanfairpwllgwyngyll": "B-LOC"}
    tags = [TAGS.head.labels.index(wanted.get(word, "O")) for word in words]
    logits = np.zeros((*batch.inputs["input_ids"].shape, 5), np.float32)
    for window, place in zip(*(batch.targets["word"] != windows.NOWHERE).nonzero(), strict=True):
        logits[window, place, tags[batch.targets["word"][window, place]]] = 9
    found = TAGS.answers(TAGS.predict({"logits": logits}, batch))[0]["entities"]
    assert [entity["text"] for entity in found] == ["Zoë Lund-Ahmed", "Tromsø", "東京", "Llanfairpwllgwyngyll"]
    assert [TEXT[entity["start"]:entity["end"]] for entity in found] == [entity["text"] for entity in found]


@pytest.mark.parametrize("answer", ["Zoë Lund-Ahmed", "Tromsø", "東京", "Llanfairpwllgwyngyll", "that day"])
def test_answers_come_back_as_they_stand_in_the_context(answer: str, loaded: Any) -> None:
    start = TEXT.index(answer)
    row = {"row": "r:0", "question": "Who went where?", "context": TEXT, "answers": {"text": [answer], "answer_start": [start]}}
    batch = ANSWERS.collate(ANSWERS.encode([row], loaded.processor), loaded.processor)
    assert batch.targets["start"].any() and len(batch.inputs["input_ids"]) > 1
    output = {f"{end}_logits": np.where(batch.targets[end], 9.0, 0.0).astype(np.float32) for end in ("start", "end")}
    found = ANSWERS.answers(ANSWERS.predict(output, batch))[0]
    assert (found["answer"], found["start"], found["end"]) == (answer, start, start + len(answer))
