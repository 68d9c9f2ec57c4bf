"""What the stage of evaluation asks the model, and what it leaves behind of single rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from finetune import recipe as recipes
from finetune.evaluate import score
from finetune.run.context import Run
from finetune.run.folder import RunFolder
from finetune.tasks.summarization import Summarization
from finetune.tasks.text_classification import TextClassification
from tests.parity import setting
from tests.unit import small_tokenizer

pytestmark = pytest.mark.slow
TOLD = {"label": "write to ann@example.org", "prediction": "write to ann@example.org", "probability": None}


def test_written_texts_are_kept_without_personal_data() -> None:
    from finetune.run.evaluate import _masked

    shown = _masked(TOLD, Summarization())
    assert "ann@example.org" not in f"{shown['label']}{shown['prediction']}"
    assert shown["label"].startswith("write to ")
    assert shown["probability"] is None


def test_labels_stay_as_they_are() -> None:
    from finetune.run.evaluate import _masked

    assert _masked(TOLD, TextClassification(labels=("a", "b"))) == TOLD


def test_validation_rows_are_asked_once_and_told_by_what_they_decide(tmp_path: Path) -> None:
    from finetune.run.evaluate import _calibrated

    task, processor, asked = TextClassification(labels=("negative", "positive")), small_tokenizer.processor(), []
    run = Run("sentiment", recipes.load("sentiment"), RunFolder(tmp_path), Console(quiet=True))
    run.folder.write_table("validation", setting.text_rows(150, seed=2))

    def infer(batch: Any) -> Any:
        asked.append(batch.rows)
        sums = batch.inputs["input_ids"].sum(axis=1)
        return {"logits": np.stack([sums % 7, sums % 5], axis=1).astype(np.float32) * 3}, None

    found, predicted = _calibrated(run, task, processor, infer=infer)
    assert asked == [64, 64, 22]
    assert isinstance(found, TextClassification)
    assert found.temperature != 1.0
    again = score.predict(run.examples("validation", found, processor), infer)
    assert all((predicted.columns[name] == column).all() for name, column in again.columns.items())
