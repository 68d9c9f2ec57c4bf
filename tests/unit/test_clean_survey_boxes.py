"""Box plots and curves of sizes, as numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from finetune.clean.survey.boxes import MOST_LABELS, STEPS, box, boxes, curve


def test_box_has_quartiles_whiskers_and_what_lies_beyond() -> None:
    found = box(np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 100.0]))
    assert found == {"rows": 10, "below": 0, "above": 1, "least": 1, "low": 1, "q1": 3.25, "median": 5.5, "q3": 7.75,
                     "high": 9, "most": 100}


def test_box_of_one_row_is_a_point() -> None:
    found = box(np.array([7.0]))
    assert {found[name] for name in ("least", "low", "q1", "median", "q3", "high", "most")} == {7.0}
    assert (found["below"], found["above"]) == (0, 0)


def test_rows_below_the_whiskers_are_counted_too() -> None:
    found = box(np.array([0.0, *range(100, 120)]))
    assert (found["below"], found["above"], found["low"], found["least"]) == (1, 0, 100, 0)


def test_every_split_and_every_training_label_has_a_box() -> None:
    sizes = {"train": {"words": np.arange(1.0, 7)}, "test": {"words": np.array([4.0])}}
    found = boxes(sizes, {"train": pa.chunked_array([["x", "y", "y"], ["y", None, "x"]]), "test": pa.chunked_array([["x"]])})
    (measure,) = found
    assert [(group["split"], group["label"], group["rows"], group["median"]) for group in measure["groups"]] == [
        ("train", None, 6, 3.5), ("test", None, 1, 4), ("train", "y", 3, 3), ("train", "x", 2, 3.5)]


def test_of_many_labels_the_most_frequent_have_a_box() -> None:
    labels = [str(number) for number in range(300)] + ["299"]
    found = boxes({"train": {"words": np.arange(301.0)}}, {"train": pa.chunked_array([labels])})
    assert [group["label"] for group in found[0]["groups"]][:2] == [None, "299"]
    assert len(found[0]["groups"]) == 1 + MOST_LABELS


def test_curve_runs_from_the_least_to_the_most() -> None:
    found = curve(np.arange(81.0))
    assert (len(found), found[0], found[STEPS // 2], found[-1]) == (STEPS + 1, 0, 40, 80)


def test_numbers_that_are_not_known_are_left_out() -> None:
    sizes = {"train": {"age": np.array([1.0, np.nan, 3, np.inf])}, "test": {"age": np.array([np.nan])}}
    (measure,) = boxes(sizes, {"train": pa.chunked_array([["x", "y", "x", "z"]])})
    assert [(group["split"], group["label"], group["rows"], group["median"]) for group in measure["groups"]] == [
        ("train", None, 2, 2), ("train", "x", 2, 2)]
    assert list(measure["curves"]) == ["train"]


def test_what_never_varies_is_left_out() -> None:
    same = {split: {"side": np.full(5, 28.0)} for split in ("train", "test")}
    assert boxes(same, {}) == []
    assert len(boxes(same | {"test": {"side": np.full(5, 32.0)}}, {})) == 1


def test_split_without_rows_has_no_box() -> None:
    found = boxes({"train": {"words": np.arange(5.0)}, "test": {"words": np.zeros(0)}}, {})
    assert [group["split"] for group in found[0]["groups"]] == ["train"]
    assert list(found[0]["curves"]) == ["train"]
