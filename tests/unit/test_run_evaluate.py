"""What the stage of evaluation leaves behind of single rows."""

from __future__ import annotations

import pytest

from finetune.tasks.summarization import Summarization
from finetune.tasks.text_classification import TextClassification

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
