"""Rows without label."""

from __future__ import annotations

import pyarrow as pa

from finetune.clean import missing_labels

ROLES = {"text": "text", "label": "label"}


def table(*labels):
    num_rows = len(labels)
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, num_rows + 2)], "hash": ["h"] * num_rows,
                     "text": ["good"] * num_rows, "label": pa.array(labels, pa.string())})


def test_null_label_is_found():
    found = missing_labels.find(table("a", None, "b", None), ROLES)
    assert (found.rows, found.columns) == ((1, 3), ("label", "label"))
    assert found.reasons == ("column 'label' is empty",) * 2
    assert found.before == found.after == (None, None)


def test_labels_that_only_look_missing_are_left_alone():
    assert len(missing_labels.find(table("none", "nan", "0", "-", "null"), ROLES)) == 0


def test_column_of_another_name_is_named():
    rows = pa.table({"row": ["r.csv:2"], "hash": ["h"], "text": ["x"], "stars": pa.array([None], pa.string())})
    assert missing_labels.find(rows, {"text": "text", "stars": "label"}).reasons == ("column 'stars' is empty",)
