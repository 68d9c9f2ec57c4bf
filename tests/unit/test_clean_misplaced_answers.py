"""Answers that stand elsewhere than they are said to are dropped from training, reported of others, and move with repairs."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import engine, restore
from finetune.errors import DataError

ROLES = {"question": "text", "context": "text", "answers": "answers"}


def rows(*cells: tuple[str, str, list[tuple[str, int]] | None]) -> pa.Table:
    kind = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
    answers = [None if found is None else {"text": [text for text, _ in found], "answer_start": [start for _, start in found]}
               for *_, found in cells]
    return pa.table({"row": [f"a.json:{n}" for n in range(1, 1 + len(cells))], "hash": [" ".join(cell[:2]) for cell in cells],
                     "question": [cell[0] for cell in cells], "context": [cell[1] for cell in cells],
                     "answers": pa.array(answers, kind)})


GOOD = ("What is it?", "Tea is green.", [("Tea", 0)])
HELD = {"validation": rows(("How cold is ice?", "Ice is cold.", [("cold", 7)])),
        "test": rows(("How hot is fire?", "Fire is hot and bright.", [("bright", 3)]))}


def test_answers_that_stand_elsewhere_are_dropped_from_training_and_reported_of_others() -> None:
    train = rows(GOOD, ("Which colour is it?", "The tea is green.", [("green", 3)]), ("Who is it?", "It was Anna.", [("Bob", 0)]),
                 ("Where is it?", "It is in Oslo.", [("", 0)]), ("Why is that?", "Nobody knows.", []))
    found = engine.clean({"train": train, **HELD}, ROLES, {})
    ledger = [(line.split, line.row, line.action, line.reason) for line in found.ledger if line.rule == "misplaced_answers"]
    assert ledger == [
        ("train", "a.json:2", "dropped", "the answer 'green' is said to begin at 3 but begins at 11"),
        ("train", "a.json:3", "dropped", "the answer 'Bob' is not in the context"),
        ("train", "a.json:4", "dropped", "an answer is empty"),
        ("test", "a.json:1", "reported", "the answer 'bright' is said to begin at 3 but begins at 16")]
    assert found.splits["train"]["question"].to_pylist() == ["What is it?", "Why is that?"]
    assert found.quality["rules"]["misplaced_answers"]["splits"]["train"]["kinds"] == {"elsewhere": 1, "not there": 1, "empty": 1}
    kept = restore.restore(found.splits["train"], found.ledger)
    assert kept.to_pylist() == train.to_pylist()


def test_answers_move_with_a_context_that_is_repaired_and_back() -> None:
    train = rows(GOOD, ("Which tea?", "  The   tea and the tea  again.", [("tea", 20)]))
    found = engine.clean({"train": train, **HELD}, ROLES, {"whitespace": "fix"})
    assert found.splits["train"]["context"].to_pylist()[1] == "The tea and the tea again."
    assert found.splits["train"]["answers"].to_pylist()[1] == {"text": ["tea"], "answer_start": [16]}
    assert restore.restore(found.splits["train"], found.ledger).to_pylist() == train.to_pylist()


def test_rows_with_an_empty_question_or_context_are_dropped_and_a_missing_answer_stops_the_run() -> None:
    found = engine.clean({"train": rows(GOOD, (" ", "Tea is green.", [("Tea", 0)]), ("What?", "", [])), **HELD}, ROLES, {})
    assert [line.rule for line in found.ledger if line.action == "dropped"] == ["blanks", "blanks"]
    with pytest.raises(DataError, match="a.json:2: column 'answers' is empty"):
        engine.clean({"train": rows(GOOD, ("Who?", "Anna.", None)), **HELD}, ROLES, {})
