"""Rows far from all others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from finetune.clean import engine, strangers

ROLES = {"text": "text", "label": "label"}


def table(rows: int, prefix: str = "row") -> pa.Table:
    texts = [f"{prefix} {row}" for row in range(rows)]
    return pa.table({"row": [f"r.csv:{row + 2}" for row in range(rows)], "hash": texts, "text": texts, "label": ["a"] * rows})


def seen(rows: pa.Table) -> np.ndarray:
    """A cloud about one direction; texts that say `far` lie elsewhere."""
    texts = rows["text"].to_pylist()
    features = np.random.default_rng(0).normal(size=(len(texts), 12))
    features[:, 0] += 8
    features[["far" in text for text in texts]] *= -1
    return features.astype(np.float32)


def clean(train: pa.Table, embed=seen, **splits: pa.Table) -> engine.Cleaned:
    policies = {name: "off" for name in engine.rules() if name not in ("strangers", "missing_labels", "broken_pictures")}
    return engine.clean({"train": train, **splits}, ROLES, policies, embed=embed)


def test_row_on_the_other_side_is_found_in_training_and_held_out_rows() -> None:
    cleaned = clean(pa.concat_tables([table(200), table(1, "far")]), test=pa.concat_tables([table(20, "new"), table(2, "far off")]))
    assert sorted((line.split, line.position) for line in cleaned.ledger) == [("test", 20), ("test", 21), ("train", 200)]
    assert cleaned.quality["strangers"]["checked"] == 201
    assert cleaned.quality["strangers"]["found"] == 1
    assert cleaned.quality["strangers"]["examples"][0]["text"] == "far 0"
    assert cleaned.quality["strangers"]["examples"][0]["distance"] > 1


def test_cloud_without_strangers_has_none() -> None:
    assert clean(table(500)).ledger == ()


def test_few_rows_have_no_usual_distance() -> None:
    assert clean(pa.concat_tables([table(50), table(1, "far")])).ledger == ()


def test_rows_without_features_are_no_strangers() -> None:
    assert clean(table(200), embed=lambda rows: np.full((rows.num_rows, 3), np.nan, np.float32)).ledger == ()
    assert clean(table(200), embed=lambda rows: None).ledger == ()


def test_distance_is_that_of_all_pairs() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(700, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    plain = 1 - rows @ rows.T
    np.fill_diagonal(plain, np.inf)
    expected = np.sort(plain, axis=1)[:, : strangers.NEIGHBOURS].mean(axis=1)
    assert strangers.distances(rows, rows, np.arange(700)) == pytest.approx(expected)


def test_beyond_the_limit_distances_are_to_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "MOST", 150)
    cleaned = clean(pa.concat_tables([table(400), table(1, "far")]))
    assert [line.position for line in cleaned.ledger] == [400]
    assert cleaned.ledger[0].reason.startswith("far from 150 other rows, drawn at random (distance 1.")
