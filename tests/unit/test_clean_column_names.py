"""Findings name columns as the user's file does."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import engine
from finetune.clean.column_names import named
from finetune.clean.review.refusals import RefusedError
from finetune.contracts import Findings
from finetune.data import sources
from finetune.spec import Data, Hub

ROLES = {"text": "text", "label": "label"}
COLUMNS = {"text": "text", "label": "Sentiment"}


def told(reason: str, columns: dict[str, str]) -> str:
    return named(Findings((0,), ("label",), (reason,), (None,), (None,)), columns).reasons[0]


@pytest.mark.parametrize(("reason", "said"), [
    ("column 'label' is empty", "column 'Sentiment' (label) is empty"),
    ("column 'text' has no text", "column 'text' has no text"),  # the same name
    ("column 'text_a' holds email", "column 'text_a' holds email"),  # not told
    ("exact copy of column 'label' .csv:2", "exact copy of column 'label' .csv:2"),
])
def test_only_a_column_that_the_reason_is_about_and_that_is_called_otherwise_is_named(reason: str, said: str) -> None:
    assert told(reason, COLUMNS) == said


def test_refusal_and_ledger_name_the_column_of_the_file_and_the_ledger_keeps_its_role() -> None:
    rows = pa.table({"row": ["r.csv:2", "r.csv:3", "r.csv:4"], "hash": ["1", "2", "3"], "text": ["good  one", "bad", "worse"],
                     "label": pa.array(["x", None, "y"], pa.string())})
    with pytest.raises(RefusedError, match=r"^data\.files\.train: r\.csv:3: column 'Sentiment' \(label\) is empty\. Fix it"):
        engine.clean({"train": rows}, ROLES, {}, columns=COLUMNS)
    cleaned = engine.clean({"train": rows}, ROLES, {"missing_labels": "drop"}, columns={"text": "Review", "label": "Sentiment"})
    assert [(line.column, line.reason) for line in cleaned.ledger] == [
        ("text", "column 'Review' (text) has runs of blanks"), ("label", "column 'Sentiment' (label) is empty")]


def test_names_are_those_of_the_source_that_the_rows_come_from() -> None:
    data = Data(hub=Hub(name="me/x", columns={"text": "sentence"}), sample="reviews", columns={"text": "review"})
    assert [dict(sources.columns(data, source)) for source in ("files", "hub", "sample")] == [
        {"text": "review"}, {"text": "sentence"}, {}]
