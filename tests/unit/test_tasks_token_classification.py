"""Tags of words: what counts, what does not, and entities as a user is told of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from finetune.contracts import Batch
from finetune.data import windows
from finetune.errors import DataError
from finetune.evaluate.infer import tensors
from finetune.tasks.token_classification import TokenClassification
from tests.unit import small_tokenizer

TASK = TokenClassification(labels=("LOC", "PER"), max_tokens=8, overlap=2, words="spaced")
NAMES = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
ROWS = [
    {"tokens": ["a", "b-c", "d", "e", "f", "a", "b", "c-d", "e", "a"],
     "label": ["O", "B-PER", "I-PER", "O", "O", "B-LOC", "O", "B-PER", "O", "O"]},
    {"tokens": ["b"], "label": ["B-LOC"]},
    {"tokens": ["a", "", "b"], "label": ["O", "O", "B-PER"]},
]


def collated(rows: list[dict[str, Any]] = ROWS, task: TokenClassification = TASK) -> Batch:
    made = small_tokenizer.processor()
    return task.collate(task.encode(rows, made), made)


def logits_of(batch: Batch, seed: int = 0) -> np.ndarray:
    shape = (*batch.inputs["input_ids"].shape, len(NAMES))
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def loss(batch: Batch, logits: np.ndarray) -> tuple[float, float]:
    found = TASK.loss({"logits": torch.from_numpy(logits)}, tensors(batch))
    return float(found.total), found.count


def test_the_tags_of_a_head_are_outside_and_two_a_type() -> None:
    assert TASK.head.labels == NAMES
    assert TASK.head.auto == "AutoModelForTokenClassification"


def test_a_row_with_windows_is_one_example_and_words_count_once() -> None:
    batch = collated()
    assert batch.rows == 3
    assert len(batch.inputs["input_ids"]) > 3
    assert TASK.count(batch) == 10 + 1 + 2  # the empty word has no token to answer for it
    assert loss(batch, logits_of(batch))[1] == 13


def test_what_stands_at_positions_that_are_no_words_changes_nothing() -> None:
    batch = collated()
    logits = logits_of(batch)
    planted = logits.copy()
    planted[batch.targets["word"] == windows.NOWHERE] = 1e4 * np.arange(len(NAMES))  # a sure answer of the last tag
    assert loss(batch, planted) == pytest.approx(loss(batch, logits))
    before, after = (TASK.predict({"logits": values}, batch) for values in (logits, planted))
    assert [list(row) for row in before["prediction"]] == [list(row) for row in after["prediction"]]
    np.testing.assert_array_equal(before["counts"], after["counts"])


def test_the_loss_of_rows_does_not_depend_on_their_neighbours() -> None:
    together = collated()
    logits = logits_of(together)
    total, seen = 0.0, 0
    for row in ROWS:
        alone = collated([row])
        number, length = alone.inputs["input_ids"].shape
        total += loss(alone, np.ascontiguousarray(logits[seen : seen + number, :length]))[0]
        seen += number
    assert total == pytest.approx(loss(together, logits)[0], rel=1e-5)


def test_right_logits_are_a_perfect_score_over_all_windows() -> None:
    batch = collated()
    target = batch.targets["target"]
    logits = np.full((*target.shape, len(NAMES)), -5, np.float32)
    for place in zip(*(target >= 0).nonzero(), strict=True):
        logits[(*place, target[place])] = 5
    columns = TASK.predict({"logits": logits}, batch)
    assert [list(row) for row in columns["prediction"]] == [row["label"] for row in ROWS]
    scores = TASK.score(columns)
    assert (scores["f1"], scores["f1_macro"]) == (1.0, 1.0)


def test_rows_without_tags_are_predicted_all_the_same() -> None:
    batch = collated([{"tokens": row["tokens"]} for row in ROWS])
    columns = TASK.predict({"logits": logits_of(batch)}, batch)
    assert "counts" not in columns
    assert [len(row) for row in columns["prediction"]] == [10, 1, 3]
    assert columns["prediction"][2][1] == "O"


def answered(text: str, tags: list[str], task: TokenClassification = TASK) -> list[dict[str, Any]]:
    """What a user is told where the model says these tags."""
    batch = collated([{"tokens": text}], task)
    logits = np.zeros((*batch.inputs["input_ids"].shape, len(NAMES)), np.float32)
    for place in zip(*(batch.targets["word"] != windows.NOWHERE).nonzero(), strict=True):
        logits[(*place, NAMES.index(tags[batch.targets["word"][place]]))] = 3
    (answer,) = task.answers(task.predict({"logits": logits}, batch))
    return answer["entities"]


def test_entities_are_told_by_their_places_in_a_plain_text() -> None:
    text = "a (b-c d), e's f."
    # a ( b-c d ) , e 's f .
    found = answered(text, ["O", "O", "B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O", "O"])
    assert [(entity["type"], text[entity["start"]:entity["end"]]) for entity in found] == [("PER", "b-c d"), ("LOC", "e's")]
    assert [entity["text"] for entity in found] == ["b-c d", "e's"]
    assert all(0.5 < entity["probability"] < 1 for entity in found)


def test_an_entity_keeps_its_text_where_characters_are_words() -> None:
    found = answered("ab cd", ["B-LOC", "I-LOC", "O", "B-PER"], TokenClassification(
        labels=("LOC", "PER"), max_tokens=8, overlap=2, words="characters"))
    assert [(entity["text"], entity["start"], entity["end"]) for entity in found] == [("ab", 0, 2), ("d", 4, 5)]


def test_a_text_without_words_has_no_entities() -> None:
    assert answered("  ", []) == []


def test_the_usual_tag_is_that_of_most_training_rows() -> None:
    train = [{"tokens": ["a", "b"], "label": ["B-LOC", "O"]}, {"tokens": ["a"], "label": ["B-LOC"]},
             {"tokens": ["a"], "label": ["O"]}]
    found = TASK.baselines(train, [{"tokens": ["a", "b", "c"], "label": ["B-LOC", "B-PER", "O"]}], seed=1)["usual_tag"]
    assert list(found["prediction"][0]) == ["B-LOC", "O", "O"]
    assert TASK.score(found)["recall"] == 0.5


def tables(**splits: list[list[str]]) -> dict[str, pa.Table]:
    return {name: pa.table({"row": [f"{name}.conll:{n}" for n in range(len(rows))],
                            "tokens": pa.array([["\u5317"] * len(row) for row in rows], pa.list_(pa.string())),
                            "label": pa.array(rows, pa.list_(pa.string()))}) for name, rows in splits.items()}


def test_types_and_the_kind_of_words_are_learnt_from_the_training_rows() -> None:
    learnt = TokenClassification().learn(tables(train=[["B-PER", "I-PER"], ["O", "B-LOC"]], test=[["O"]]))
    assert (learnt.labels, learnt.words) == (("LOC", "PER"), "characters")
    assert TokenClassification().learn(tables(train=[["B-PER"]])).labels == ("PER",)


def test_a_type_that_only_test_rows_have_is_refused_with_its_rows() -> None:
    with pytest.raises(DataError, match=r"row test.conll:1 has the label 'ORG' in test, which no training row has"):
        TokenClassification().learn(tables(train=[["B-PER"]], test=[["O"], ["B-ORG"]]))


def test_rows_with_most_wrong_entities_come_first() -> None:
    batch = collated()
    columns = TASK.predict({"logits": np.zeros((*batch.inputs["input_ids"].shape, len(NAMES)), np.float32)}, batch)
    (row, told), *others = TASK.mistakes(columns, 5)
    assert row == 0
    assert told["label"] == "PER b-c d; LOC a; PER c-d"
    assert told["prediction"] == "none"
    assert len(others) == 2


@pytest.mark.parametrize(("settings", "key"), [
    ({"max_tokens": 7, "overlap": 0}, "task.max_tokens: 7"), ({"overlap": 33}, "task.overlap: 33"),
    ({"labels": ()}, "task.labels: no label"), ({"labels": ("A", "A")}, "task.labels: 'A' is in the list"),
])
def test_settings_out_of_range_are_told(settings: dict[str, Any], key: str) -> None:
    (problem,) = TokenClassification(**settings).problems()
    assert problem.startswith(key)
