"""The samples of tags and answers: enough rows, known dirt, and rules that find exactly what was planted for them."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from finetune.clean import engine
from finetune.clean.engine import Cleaned
from finetune.contracts import SplitRows
from finetune.data import sources
from finetune.errors import SpecError
from finetune.spec import Data, Hub
from finetune.tasks.question_answering import QuestionAnswering
from finetune.tasks.token_classification import TokenClassification

TASKS: dict[str, Any] = {"notices": TokenClassification(), "almanac": QuestionAnswering()}


def key(name: str) -> list[dict[str, str]]:
    with (sources.SAMPLES / name / "key.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module", params=TASKS)
def sample(request: pytest.FixtureRequest) -> tuple[str, SplitRows, Cleaned]:
    task = TASKS[request.param]
    raw = sources.read(Data(hub=Hub(name="x"), sample=request.param), "sample", task.roles)
    return request.param, raw, engine.clean(raw.splits, task.roles, {})


def test_there_are_two_hundred_rows_and_more_in_three_splits(sample: tuple[str, SplitRows, Cleaned]) -> None:
    _, raw, _ = sample
    assert sum(table.num_rows for table in raw.splits.values()) >= 200
    assert all(raw.splits[split].num_rows >= 30 for split in ("train", "validation", "test"))


def test_what_is_dropped_is_what_was_planted(sample: tuple[str, SplitRows, Cleaned]) -> None:
    name, _, cleaned = sample
    dropped = {(line.row, line.rule) for line in cleaned.ledger if line.action == "dropped"}
    planted = {(line["row"], line["rule"]) for line in key(name) if line["rule"] != "tags"}
    assert planted <= dropped
    # Beside the copy with other tags, its original cannot be trusted either.
    assert {rule for _, rule in dropped - planted} <= {"contradictions"}
    assert len(dropped - planted) == sum(line["rule"] == "contradictions" for line in key(name))


def test_a_broken_order_of_tags_is_told() -> None:
    raw = sources.read(Data(hub=Hub(name="x"), sample="notices"), "sample", TASKS["notices"].roles)
    (note,) = raw.notes
    (planted,) = (line["row"] for line in key("notices") if line["rule"] == "tags")
    assert note.endswith(f"begins an entity: {planted}")


def test_answers_stand_where_they_are_said_to(sample: tuple[str, SplitRows, Cleaned]) -> None:
    name, _, cleaned = sample
    if name != "almanac":
        assert TASKS[name].learn(cleaned.splits).labels == ("LOC", "ORG", "PER")
        return
    answers = [row for table in cleaned.splits.values() for row in table.select(["context", "answers"]).to_pylist()]
    assert all(row["context"][start:].startswith(text) for row in answers
               for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True))
    assert sum(not row["answers"]["text"] for row in answers) >= 10


def test_a_sample_of_another_task_is_refused() -> None:
    with pytest.raises(SpecError, match="data.sample: 'almanac' does not hold what this task learns from"):
        sources.read(Data(hub=Hub(name="x"), sample="almanac"), "sample", {"text": "text", "label": "label"})
