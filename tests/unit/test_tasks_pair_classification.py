"""Both texts of a pair are seen, in their order, and the longer one is cut."""

from __future__ import annotations

import numpy as np

from finetune.tasks.pair_classification import PairClassification
from tests.unit.small_tokenizer import processor

TASK = PairClassification(labels=("different", "same"), max_tokens=8)


def ids(one: str, other: str) -> list[int]:
    return TASK.encode([{"text_a": one, "text_b": other}], processor())[0]["input_ids"]


def test_pair_is_one_sequence_in_its_order() -> None:
    assert ids("a", "b") != ids("b", "a")
    assert len(ids("a", "b")) == len(ids("a", "")) + 1


def test_longer_text_of_a_pair_is_cut_first() -> None:
    example, = TASK.encode([{"text_a": "a", "text_b": "b c d e f a b c"}], processor())
    short, = TASK.encode([{"text_a": "a", "text_b": "b c d e f a b"}], processor())
    assert example["input_ids"] == short["input_ids"]
    assert example["full_length"] == short["full_length"] + 1


def test_too_few_tokens_are_a_problem() -> None:
    assert PairClassification(max_tokens=4).problems() == [
        "task.max_tokens: 4 found, at least 5 are needed: one token of each text between the special ones. Use for example 128."]


def test_answer_and_mistake_speak_of_labels() -> None:
    columns = {"probabilities": np.array([[0.9, 0.1], [0.2, 0.8]]), "prediction": np.array([0, 1]), "target": np.array([0, 0])}
    assert TASK.answers(columns)[1] == {"label": "same", "probabilities": {"same": 0.8, "different": 0.2}}
    assert TASK.mistakes(columns, 5) == [(1, {"label": "different", "prediction": "same", "probability": 0.8})]


def test_baseline_sees_how_the_texts_differ() -> None:
    words = [f"word{i}" for i in range(40)]
    random = np.random.default_rng(0)
    rows = []
    for i in range(400):
        text = " ".join(random.choice(words, 6))
        rows.append({"text_a": text, "text_b": text if i % 2 else " ".join(random.choice(words, 6)), "label": "same" if i % 2 else "different"})
    found = TASK.baselines(rows[:300], rows[300:], seed=0)
    assert (found["tfidf_linear"]["prediction"] == np.arange(300, 400) % 2).mean() > 0.95
    assert set(found["majority"]["prediction"].tolist()) == {0}
