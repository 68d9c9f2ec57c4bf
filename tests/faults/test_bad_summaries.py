"""Bad settings and bad rows of summaries: each has an error that says what to do, or a line that counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune import checks, override, recipe
from finetune.data import sources
from finetune.errors import FinetuneError
from finetune.spec import Data, Files, Hub
from finetune.tasks.summarization import Summarization


@pytest.mark.parametrize(("settings", "key"), [
    ({"max_tokens": 1}, "task.max_tokens"), ({"max_summary_tokens": 1}, "task.max_summary_tokens"),
    ({"min_summary_tokens": -1}, "task.min_summary_tokens"), ({"min_summary_tokens": 64}, "task.min_summary_tokens"),
    ({"num_beams": 0}, "task.num_beams"), ({"num_beams": 33}, "task.num_beams"),
    ({"length_penalty": 11.0}, "task.length_penalty"), ({"length_penalty": float("nan")}, "task.length_penalty"),
    ({"num_beams": 1, "length_penalty": 2.0}, "task.length_penalty"),
])
def test_setting_out_of_range_is_told(settings: dict[str, Any], key: str) -> None:
    found = Summarization(**settings).problems()
    assert [message.partition(":")[0] for message in found] == [key]
    assert "Use" in found[0]


@pytest.mark.parametrize(("given", "key"), [
    ("export.quantize=int8_static", "export.quantize"), ("export.quantize=none export.target=cuda", "export.target"),
    ("train.class_weights=balanced", "train.class_weights=balanced"),
    ("train.loss=focal", "train.loss=focal"),
])
def test_settings_that_a_model_which_writes_has_no_use_for_are_refused(given: str, key: str) -> None:
    found = checks.problems(override.apply(recipe.load("summarize"), given.split()))
    assert [message.partition(": ")[0] for message in found] == [key]


def test_a_file_without_a_column_of_summaries_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,title\na,b\n")
    data = Data(hub=Hub(name="x"), sample="requests", files=Files(train=str(tmp_path / "rows.csv")))
    with pytest.raises(FinetuneError, match="summary"):
        sources.read(data, "files", Summarization.roles)
