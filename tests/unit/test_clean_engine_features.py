"""What the engine hands on of the features that its rules have seen."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa

from finetune.clean import engine

ROLES = {"text": "text", "label": "label"}
TEXTS = ("a fine film", "two hours of rain", "A fine film!", "we left early", "the cast is good")


def splits() -> dict[str, pa.Table]:
    """Five training rows, the third of which is a copy of the first, and two rows for each other split."""
    def table(name: str, texts: tuple[str, ...]) -> pa.Table:
        hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        return pa.table({"row": [f"{name}.csv:{i}" for i in range(len(texts))], "hash": hashes, "text": list(texts),
                         "label": [("pos", "neg")[i % 2] for i in range(len(texts))]})

    return {"train": table("train", TEXTS), "validation": table("validation", ("not bad", "not good")),
            "test": table("test", ("so so", "never again"))}


def letters(rows: pa.Table) -> np.ndarray:
    return np.array([[len(text), text.count("e")] for text in rows["text"].to_pylist()], dtype=np.float32)


def test_features_are_those_of_the_training_rows_that_are_left() -> None:
    cleaned = engine.clean(splits(), ROLES, {}, embed=letters)
    left = cleaned.splits["train"]["text"].to_pylist()
    assert len(left) == 4
    assert cleaned.features is not None
    np.testing.assert_array_equal(cleaned.features, letters(cleaned.splits["train"]))


def test_there_are_no_features_where_nothing_is_embedded() -> None:
    assert engine.clean(splits(), ROLES, {}).features is None
    assert engine.clean(splits(), ROLES, {}, embed=lambda rows: None).features is None
