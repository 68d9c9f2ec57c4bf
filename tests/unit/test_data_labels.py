"""The labels of a task: their order, and every way in which list and rows can disagree."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.data.labels import resolve_labels
from finetune.errors import DataError


def rows(*labels: str | None) -> pa.Table:
    table = {"row": [f"a.csv:{number}" for number in range(2, len(labels) + 2)], "label": list(labels)}
    return pa.table(table, schema=pa.schema({"row": pa.string(), "label": pa.string()}))


def refusal(named: tuple[str, ...] | str, **splits: pa.Table) -> list[str]:
    with pytest.raises(DataError) as caught:
        resolve_labels(splits, named)
    return str(caught.value).splitlines()


def test_auto_is_the_sorted_labels_of_the_training_rows():
    assert resolve_labels({"train": rows("b", "c", "a", "b")}, "auto") == ("a", "b", "c")


def test_integers_are_sorted_by_value():
    assert resolve_labels({"train": rows("10", "2", "-1", "1")}, "auto") == ("-1", "1", "2", "10")
    assert resolve_labels({"train": rows("1", "01", "2")}, "auto") == ("01", "1", "2")


def test_mixed_labels_are_sorted_as_text():
    assert resolve_labels({"train": rows("10", "2", "x")}, "auto") == ("10", "2", "x")


def test_list_of_the_user_keeps_its_order():
    assert resolve_labels({"train": rows("b", "a")}, ("b", "a")) == ("b", "a")


def test_rows_without_label_are_ignored():
    splits = {"train": rows("a", None, "b"), "validation": rows(None), "test": rows("a", None)}
    assert resolve_labels(splits, "auto") == ("a", "b")


def test_validation_may_lack_a_label():
    assert resolve_labels({"train": rows("a", "b"), "validation": rows("a")}, "auto") == ("a", "b")


def test_label_in_training_that_the_list_has_not_names_rows_and_suggestion():
    assert refusal(("good", "bad"), train=rows("good", "bad", "badd", "badd")) == [
        "task.labels: 2 rows (a.csv:4, a.csv:5) have the label 'badd', which is not in the list. Did you mean 'bad'?"
        " Add it to the list, correct the rows, or remove them."
    ]


def test_named_label_without_training_row_gets_a_suggestion():
    assert refusal(("good", "Bad"), train=rows("good", "bad")) == [
        "task.labels: no training row has the label 'Bad'. Labels found: bad, good. Did you mean 'bad'?"
        " Add rows that have it, or leave it out.",
        "task.labels: row a.csv:3 has the label 'bad', which is not in the list. Did you mean 'Bad'?"
        " Add it to the list, correct the rows, or remove them.",
    ]


def test_fewer_training_rows_than_labels_is_refused():
    problems = refusal(("a", "b", "c"), train=rows("a", "b"))
    assert "task.labels: 2 training rows found, 3 labels need at least one row each. Add rows." in problems
    assert any("no training row has the label 'c'" in problem for problem in problems)


def test_no_label_at_all_is_refused():
    assert refusal("auto", train=rows(None, None)) == [
        "task.labels: no training row has a label, two labels are needed. Fill the label column, or name another one."
    ]


def test_unseen_labels_of_all_splits_come_in_one_error():
    problems = refusal("auto", train=rows("a", "b"), validation=rows("c"), test=rows("d", "a"))
    assert problems == [
        "task.labels: row a.csv:2 has the label 'c' in validation, which no training row has."
        " Add such rows to training, or correct the validation rows.",
        "task.labels: row a.csv:2 has the label 'd' in test, which no training row has."
        " Add such rows to training, or correct the test rows.",
    ]


def lists(*labels: list[str] | None) -> pa.Table:
    return pa.table({"row": [f"a.csv:{number}" for number in range(2, len(labels) + 2)],
                     "label": pa.array(labels, pa.list_(pa.string()))})


def test_auto_takes_every_label_of_every_list():
    assert resolve_labels({"train": lists(["b", "c"], [], None, ["a", "b"])}, "auto") == ("a", "b", "c")


def test_a_label_that_only_a_held_out_list_has_is_refused_with_its_rows():
    found = refusal("auto", train=lists(["a"], ["b"]), test=lists(["a", "bb"], [], ["bb"]))
    assert found == ["task.labels: 2 rows (a.csv:2, a.csv:4) have the label 'bb' in test, which no training row has. "
                     "Did you mean 'b'? Add such rows to training, or correct the test rows."]
