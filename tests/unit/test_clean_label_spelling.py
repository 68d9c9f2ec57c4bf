"""One label in two spellings is told, two labels that look alike are not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import engine, label_spelling

ROLES = {"text": "text", "label": "label"}


def table(*labels, name="t"):
    kind = pa.list_(pa.string()) if any(isinstance(label, list) for label in labels) else pa.string()
    return pa.table({"row": [f"{name}.csv:{n}" for n in range(2, len(labels) + 2)], "hash": [f"{name}{n}" for n in range(len(labels))],
                     "text": [f"row {n} of {name}" for n in range(len(labels))], "label": pa.array(labels, kind)})


@pytest.mark.parametrize(("usual", "odd"), [
    ("positive", "POSITIVE"), ("not ok", "Not_OK"), ("e-mail", "E mail"), ("1", "1.0"), ("07", "7"), ("STRASSE", "stra\u00dfe"),
    ("\uff41", "A"), ("tr\u00e8s bien", "tre\u0300s  bien"),
])
def test_rarer_spelling_of_a_label_is_told_with_the_usual_one(usual: str, odd: str) -> None:
    found = label_spelling.find(table(usual, odd, usual, None, "something else"), ROLES)
    assert (found.rows, found.columns, found.before, found.after) == ((1,), ("label",), (odd,), (usual,))
    assert found.reasons == (f"column 'label' has {odd!r} where others have {usual!r}",)


@pytest.mark.parametrize("labels", [("C", "C++", "C#"), ("+", "-", "--"), ("1", "-1", "11"), ("positive", "pos"), ("1000000001", "1000000002"),
                                    ("a", "\u00e1"), ("nan", "inf"), ("non-toxic", "toxic")])
def test_labels_that_differ_in_more_are_two(labels: tuple[str, ...]) -> None:
    assert len(label_spelling.find(table(*labels, *labels), ROLES)) == 0


def test_of_equally_frequent_spellings_the_first_in_the_alphabet_is_usual() -> None:
    assert label_spelling.find(table("b", "B", "a"), ROLES).after == ("B",)


def test_held_out_rows_are_held_against_the_training_rows_and_nothing_is_changed() -> None:
    splits = {"train": table("good", "good", "bad", "Bad", "bad"), "test": table("GOOD", "GOOD", "bad", name="e")}
    cleaned = engine.clean(splits, ROLES, {})
    assert [(line.row, line.action, line.before, line.after) for line in cleaned.ledger] == [
        ("t.csv:5", "reported", "Bad", "bad"), ("e.csv:2", "reported", "GOOD", "good"), ("e.csv:3", "reported", "GOOD", "good")]
    assert {split: rows.equals(splits[split]) for split, rows in cleaned.splits.items()} == {"train": True, "test": True}
    assert [line["check"] for line in cleaned.quality["tally"] if line["level"] == "warn"] == ["label_spelling"]


def test_names_in_lists_are_looked_at_one_by_one() -> None:
    rows = table(["rude", "loud"], ["Rude"], [], None, ["loud", "rude"])
    found = label_spelling.find(rows, {"text": "text", "label": "labels"})
    assert (found.rows, found.before, found.after) == ((1,), ("Rude",), (None,))


def test_rarer_spelling_can_be_dropped_although_nothing_is_left_of_it() -> None:
    cleaned = engine.clean({"train": table("good", "good", "bad", "Bad", "bad")}, ROLES, {"label_spelling": "drop"})
    assert cleaned.splits["train"]["label"].to_pylist() == ["good", "good", "bad", "bad"]
