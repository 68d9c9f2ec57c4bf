"""Whether splits are alike: what is compared, and when a difference counts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from finetune.clean.survey.distributions import between, shares
from finetune.clean.survey.whole import survey

ROLES = {"text": "text", "label": "label"}


def table(texts: list[str], labels: list[str]) -> pa.Table:
    return pa.table({"row": [str(place) for place in range(len(texts))], "text": pa.array(texts, pa.string()),
                     "label": pa.array(labels, pa.string())})


def splits(**texts: list[str]) -> dict[str, pa.Table]:
    return {split: table(of_split, ["a", "b"] * (len(of_split) // 2)) for split, of_split in texts.items()}


def test_every_pair_of_splits_is_compared_in_every_measure() -> None:
    words = ["one two", "three four five", "six", "seven eight nine ten"] * 20
    found = survey(splits(train=words, validation=words[:40], test=words[:20]), ROLES)["distributions"]
    assert [(entry["what"], entry["test"], tuple(entry["splits"])) for entry in found] == [
        (what, test, pair) for pair in (("train", "validation"), ("train", "test"), ("validation", "test"))
        for what, test in (("characters", "KS"), ("words", "KS"), ("labels", "chi-square"))]
    assert not any(entry["differs"] for entry in found)
    assert {entry["p_corrected"] for entry in found} == {1.0}


def test_longer_texts_are_a_difference_with_both_medians() -> None:
    found = survey(splits(train=["a bc"] * 100 + ["a bc de"] * 100, test=["a bc de fg hi"] * 60), ROLES)["distributions"]
    different = {entry["what"]: entry for entry in found if entry["differs"]}
    assert set(different) == {"characters", "words"}
    assert different["words"]["between"] == [2.5, 5]
    assert (different["words"]["statistic"], different["words"]["rows"]) == (1, [200, 60])


def test_other_labels_are_a_difference_with_the_label_that_differs_most() -> None:
    rows = {"train": table(["x"] * 300, ["a"] * 200 + ["b"] * 80 + ["c"] * 20), "test": table(["x"] * 100, ["a"] * 20 + ["b"] * 72 + ["c"] * 8)}
    (entry,) = (entry for entry in survey(rows, ROLES)["distributions"] if entry["what"] == "labels")
    assert (entry["differs"], entry["of"]) == (True, "a")
    assert entry["between"] == pytest.approx([2 / 3, 0.2])


def test_another_script_is_a_difference() -> None:
    rows = splits(train=["plain words"] * 90 + ["\u0441\u043b\u043e\u0432\u0430"] * 10, test=["\u0441\u043b\u043e\u0432\u0430"] * 50 + ["plain words"] * 50)
    (entry,) = (entry for entry in survey(rows, ROLES)["distributions"] if entry["what"] == "scripts")
    assert (entry["differs"], entry["of"], entry["between"]) == (True, "Cyrillic", [0.1, 0.5])


def test_a_small_difference_of_very_many_rows_is_no_difference() -> None:
    random = np.random.default_rng(1)
    numbers = {"train": {"size": random.normal(size=200_000)}, "test": {"size": random.normal(0.05, size=200_000)}}
    (entry,) = between(numbers, {"train": {}, "test": {}})
    assert entry["p_corrected"] < 1e-6
    assert 0 < entry["effect"] < 0.1
    assert not entry["differs"]


def test_a_large_difference_of_very_few_rows_may_be_chance() -> None:
    (entry,) = between({"train": {"size": np.arange(6.0)}, "test": {"size": np.arange(3.0, 7)}}, {"train": {}, "test": {}})
    assert entry["effect"] >= 0.4
    assert not entry["differs"]


def test_numbers_that_are_not_known_are_not_compared() -> None:
    numbers = {"train": {"age": np.array([*np.arange(50.0), np.nan, np.inf])}, "test": {"age": np.array([*np.arange(40.0), np.nan])}}
    (entry,) = between(numbers, {"train": {}, "test": {}})
    assert (entry["rows"], entry["between"]) == ([50, 40], [24.5, 19.5])


def test_p_values_are_corrected_for_all_tests_together() -> None:
    random = np.random.default_rng(2)
    numbers = {split: {str(number): random.normal(size=60) for number in range(10)} for split in ("train", "test")}
    found = between(numbers, {"train": {}, "test": {}})
    least = min(found, key=lambda entry: entry["p"])
    assert least["p_corrected"] == pytest.approx(min(1, 10 * least["p"]))


def test_columns_are_named_where_there_are_several() -> None:
    rows = pa.table({"row": ["1", "2"], "title": ["a", "b c"], "body": ["d e", "f"]})
    counted = shares({"train": rows}, {"title": "text", "body": "text"})
    assert list(counted["train"]) == ["scripts of title", "scripts of body"]
    named = survey({"train": rows, "test": rows}, {"title": "text", "body": "text"})["boxes"]
    assert [entry["what"] for entry in named] == ["characters of title", "words of title", "characters of body", "words of body"]


def test_empty_split_is_compared_with_nothing() -> None:
    rows = splits(train=["a b", "c d e"] * 20, test=[])
    assert survey(rows, ROLES)["distributions"] == []
