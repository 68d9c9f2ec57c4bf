"""Suspected labels: from features that tell good from bad, with some labels swapped."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from finetune.clean import engine, restore
from finetune.errors import DataError

ROLES = {"text": "text", "label": "label"}
SWAPPED = (3, 40, 77)


def seen(rows: pa.Table) -> np.ndarray:
    """Features in which the second word of a text stands apart; deterministic in the text."""
    texts = rows["text"].to_pylist()
    noise = np.stack([np.random.default_rng(int(text.split()[0])).normal(size=2) * 0.2 for text in texts])
    noise[:, 0] += [4 if "good" in text else -4 for text in texts]
    return noise.astype(np.float32)


def table(rows: int, swapped: tuple[int, ...] = (), start: int = 0) -> pa.Table:
    texts = [f"{start + row} {'good' if row % 2 else 'bad'}" for row in range(rows)]
    labels = ["pos" if (row % 2 == 1) != (row in swapped) else "neg" for row in range(rows)]
    return pa.table({"row": [f"r.csv:{row + 2}" for row in range(rows)], "hash": texts, "text": texts, "label": labels})


def clean(train: pa.Table, policies: dict[str, str] | None = None, embed=seen, **splits: pa.Table) -> engine.Cleaned:
    return engine.clean({"train": train, **splits}, ROLES, {"strangers": "off"} | (policies or {}), embed=embed)


def suspects(cleaned: engine.Cleaned, split: str = "train") -> list:
    return [line for line in cleaned.ledger if line.rule == "label_errors" and line.split == split]


def test_swapped_labels_are_found_with_the_right_suggestion() -> None:
    lines = suspects(clean(table(120, SWAPPED)))
    assert {line.position for line in lines} == set(SWAPPED)
    assert all({line.before, line.after} == {"pos", "neg"} and line.column == "label" for line in lines)
    assert lines[0].reason.startswith(f"labelled {lines[0].before!r}, but rows like it are {lines[0].after!r} (confidence 0.9")


def test_right_labels_are_not_doubted() -> None:
    assert suspects(clean(table(120))) == []


def test_report_changes_nothing_and_drop_takes_the_rows_out_of_training_alone() -> None:
    train, held = table(120, SWAPPED), table(60, (5, 20, 33, 48), start=500)
    assert clean(train, validation=held).splits["train"].equals(train)
    dropped = clean(train, {"label_errors": "drop"}, validation=held)
    assert dropped.splits["train"].num_rows == 117
    assert dropped.splits["train"].column_names == train.column_names
    assert dropped.splits["validation"].equals(held)
    lines = suspects(dropped, "validation")
    assert lines and {line.position for line in lines} <= {5, 20, 33, 48}
    assert {line.action for line in lines} == {"reported"}


def test_dropped_rows_come_back_from_the_ledger() -> None:
    train = table(120, SWAPPED)
    dropped = clean(train, {"label_errors": "drop"})
    assert restore.restore(dropped.splits["train"], dropped.ledger).equals(train)
    json.dumps([line.cells for line in dropped.ledger])  # no features among the cells


def test_quality_tells_rows_noise_and_the_most_doubtful_examples() -> None:
    found = clean(table(120, SWAPPED)).quality["suspects"]
    assert (found["checked"], found["found"]) == (120, 3)
    assert found["by_label"] == {"neg": {"rows": 61, "suspected": 2, "noise": pytest.approx(2 / 61, abs=1e-3)},
                                 "pos": {"rows": 59, "suspected": 1, "noise": pytest.approx(1 / 59, abs=1e-3)}}
    confidence = [example["confidence"] for example in found["examples"]]
    assert confidence == sorted(confidence, reverse=True) and min(confidence) > 0.5
    assert set(found["examples"][0]) == {"row", "text", "label", "suggestion", "confidence"}
    json.dumps(found)


def test_rows_that_the_probe_cannot_tell_apart_are_not_judged() -> None:
    train = table(200, tuple(range(0, 200, 3)))
    found = clean(train, embed=lambda rows: np.random.default_rng(0).normal(size=(rows.num_rows, 4)).astype(np.float32))
    assert suspects(found) == []
    assert "too little" in found.quality["suspects"]["not_judged"]


def test_copy_of_a_wrong_row_does_not_vouch_for_it() -> None:
    train = pa.concat_tables([table(120, SWAPPED), table(120, SWAPPED)])  # every wrong label twice
    found = clean(train, {"duplicates": "off", "near_duplicates": "off"})
    assert {line.position for line in suspects(found)} == {*SWAPPED, *(120 + row for row in SWAPPED)}


def test_without_embedding_the_rule_does_not_run() -> None:
    cleaned = engine.clean({"train": table(120, SWAPPED)}, ROLES, {})
    assert cleaned.quality["rules"]["label_errors"] == {"policy": "report", "splits": {}}
    assert "suspects" not in cleaned.quality


@pytest.mark.parametrize(("train", "why"), [
    (table(3), "fewer than 100 rows"),
    (table(120).set_column(3, "label", [["pos"] * 120]), "fewer than 100 rows of labels"),
    (table(120).set_column(3, "label", [[f"label {row // 5}" for row in range(120)]]), "fewer than 100 rows of labels"),
])
def test_few_rows_one_label_or_small_labels_are_not_judged(train: pa.Table, why: str) -> None:
    found = clean(train)
    assert suspects(found) == []
    assert found.quality["suspects"]["not_judged"].startswith(why)


def test_rows_whose_features_are_no_numbers_are_left_out() -> None:
    def broken(rows: pa.Table) -> np.ndarray:
        features = seen(rows)
        features[[SWAPPED[0], 10]] = np.nan
        return features

    found = clean(table(120, SWAPPED), embed=broken)
    assert {line.position for line in suspects(found)} == set(SWAPPED[1:])
    assert found.quality["suspects"]["checked"] == 118


def test_nothing_is_said_where_there_are_no_features() -> None:
    assert "not_judged" in clean(table(120, SWAPPED), embed=lambda rows: None).quality["suspects"]


def test_fail_names_the_rows_and_a_way_out() -> None:
    with pytest.raises(DataError, match=r"labelled '(pos|neg)', but rows like it are '.* or set clean\.label_errors=drop"):
        clean(table(120, SWAPPED), {"label_errors": "fail"})


def test_held_out_label_that_training_rows_do_not_have_is_not_judged() -> None:
    held = table(60, start=500).set_column(3, "label", [["neutral"] * 60])
    assert suspects(clean(table(120, SWAPPED), validation=held), "validation") == []


def test_same_rows_give_the_same_findings() -> None:
    first, second = (clean(table(120, SWAPPED)).quality["suspects"] for _ in range(2))
    assert first == second


def of_writers(rows: pa.Table) -> np.ndarray:
    """Features that know the writer of a text and nothing else."""
    writers = [int(text.split()[0]) % 12 for text in rows["text"].to_pylist()]
    return np.eye(12, dtype=np.float32)[writers] + 0.01 * np.random.default_rng(1).normal(size=(len(writers), 12)).astype(np.float32)


@pytest.mark.parametrize(("roles", "known"), [(ROLES, True), ({**ROLES, "group": "group"}, False)])
def test_rows_of_one_group_lie_in_one_fold(roles: dict[str, str], known: bool) -> None:
    rows = table(240).append_column("group", pa.array([f"w{row % 12}" for row in range(240)]))
    found = engine.clean({"train": rows}, roles, {"strangers": "off"}, embed=of_writers).quality["suspects"]
    assert ("not_judged" not in found) == known  # half of the writers are always good, half never are
    assert found["checked"] == (240 if known else 0)


def test_label_that_one_group_alone_has_is_not_judged() -> None:
    rows = table(240).append_column("group", pa.array([f"w{row % 12}" for row in range(240)]))
    labels = ["own" if row % 12 == 0 else label for row, label in enumerate(rows["label"].to_pylist())]
    rows = rows.set_column(3, "label", pa.array(labels))
    found = engine.clean({"train": rows}, {**ROLES, "group": "group"}, {"strangers": "off"}, embed=seen).quality["suspects"]
    assert found["checked"] == 220
    assert set(found["by_label"]) == {"neg", "pos"}
