"""Words, tags and answers as the Hub has them: classes by number become names in IOB2, answers keep their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest

from finetune.data import hub
from finetune.data.read import read_tables
from finetune.data.table_file import TableFile, Wanted
from finetune.spec import Hub

TAGS, ANSWERS = {"tokens": "tokens", "label": "tags"}, {"question": "text", "context": "text", "answers": "answers"}
NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
WORDS = [["Anna", "Lund", "ran"], ["Oslo"]]
NAMED = [["B-PER", "I-PER", "O"], ["B-LOC"]]


@pytest.fixture(scope="module")
def tagged() -> Any:
    classes = datasets.Features({"tokens": datasets.Sequence(datasets.Value("string")),
                                 "ner_tags": datasets.Sequence(datasets.ClassLabel(names=NAMES))})
    return datasets.Dataset.from_dict({"tokens": WORDS, "ner_tags": [[1, 2, 0], [4]]}, features=classes)


def table(dataset: Any, roles: dict[str, str], **columns: str) -> dict[str, list[Any]]:
    return read(dataset, roles, **columns)[0].to_pydict()


def read(dataset: Any, roles: dict[str, str], **columns: str) -> tuple[Any, tuple[str, ...]]:
    return hub._table(dataset, "me/set/train", hub=Hub(name="me/set", columns=columns), roles=roles)


def test_classes_of_words_become_tags_in_iob2(tagged: Any) -> None:
    found = table(tagged, TAGS, label="ner_tags")
    assert (found["tokens"], found["label"]) == (WORDS, NAMED)  # the lone I-LOC begins an entity
    assert found["row"] == ["me/set/train:0", "me/set/train:1"]
    assert len(set(found["hash"])) == 2


def test_mended_tags_are_told_with_their_rows(tagged: Any) -> None:
    (note,) = read(tagged, TAGS, label="ner_tags")[1]
    assert note == ("me/set/train: tags that break the order of IOB2 were mended, 1 in 1 of the rows; one that follows none of its type "
                    "begins an entity: me/set/train:1")


def test_parquet_that_datasets_has_written_reads_alike(tagged: Any, tmp_path: Path) -> None:
    tagged.to_parquet(tmp_path / "a.parquet")
    file = TableFile.at(tmp_path / "a.parquet", "data.files.train")
    found, notes = read_tables([file], Wanted(TAGS, {"label": "ner_tags"}))
    assert (found["tokens"].to_pylist(), found["label"].to_pylist()) == (WORDS, NAMED)
    assert len(notes) == 1


def test_answers_keep_their_places_and_may_be_none() -> None:
    answers = [{"text": ["Tea"], "answer_start": [0]}, {"text": [], "answer_start": []}]
    dataset = datasets.Dataset.from_dict({"id": ["1", "2"], "question": ["What?", "Why?"], "context": ["Tea."] * 2,
                                          "answers": answers})
    found = table(dataset, ANSWERS)
    assert found["answers"] == answers
    assert found["hash"][0] != found["hash"][1]
