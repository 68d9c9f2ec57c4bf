"""What the first stage tells of uneven labels, with features and without."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from finetune import recipe
from finetune.run import balance
from finetune.run.context import Run
from finetune.run.folder import RunFolder


def told(labels: list[str], features: np.ndarray | None = None) -> tuple[dict[str, Any], str]:
    """The entry and what was said."""
    said = io.StringIO()
    texts = [f"this is text number {i}" for i in range(len(labels))]
    train = pa.table({"row": [f"a.csv:{i}" for i in range(len(labels))], "text": texts, "hash": texts, "label": labels})
    run = Run("sentiment", recipe.load("sentiment"), RunFolder(Path("unused")), Console(file=said, width=400))
    return balance.entry(run, train, features), said.getvalue()


def clouds(labels: list[str], apart: float) -> np.ndarray:
    random = np.random.default_rng(0)
    sides = np.array([label == "spam" for label in labels])[:, None]
    return (random.normal(size=(len(labels), 4)) + apart * sides).astype(np.float32)


def test_even_labels_are_counted_and_nothing_is_said() -> None:
    entry, said = told(["ham", "spam", "ham", "spam", "eggs"])
    assert entry == {"counts": {"eggs": 1, "ham": 2, "spam": 2}, "ratio": 2.0, "advice": None,
                     "effective": pytest.approx(np.exp(0.2 * np.log(5) + 0.8 * np.log(2.5)))}
    assert said == ""


def test_uneven_labels_are_said_with_their_effective_number() -> None:
    entry, said = told(["ham"] * 90 + ["spam"] * 10)
    assert (entry["ratio"], entry["advice"]) == (9.0, None)
    assert said == ("  labels are uneven: 90 training rows of 'ham', 10 of 'spam'; as varied as 1.4 labels of equal "
                    "size\n")


def test_features_give_advice_and_the_setting_to_type() -> None:
    labels = ["ham"] * 1_300 + ["spam"] * 150
    entry, said = told(labels, clouds(labels, apart=0.45))
    advice = entry["advice"]
    assert (advice["rows"], advice["score"]) == (1_450, "f1_macro")
    assert f"To take it: {advice['setting']}\n" in said
    assert "tried on frozen features of 1,450 rows: " in said
    json.dumps(entry)


def test_rows_without_features_are_left_out() -> None:
    labels = ["ham"] * 90 + ["spam"] * 10
    features = clouds(labels, apart=8.0)
    features[::9] = np.nan
    entry, said = told(labels, features)
    assert entry["advice"]["rows"] == 88
    assert "Keep train.loss=cross_entropy" in said
    assert entry["counts"] == {"ham": 90, "spam": 10}
