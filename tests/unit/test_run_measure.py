"""How another file is read for a trained run: as the training files were, but for what only splits them."""

from __future__ import annotations

from finetune import recipe
from finetune.run.measure import _reading


def test_columns_that_split_the_training_rows_are_not_wanted_of_another_file() -> None:
    task = recipe.load("sentiment").task
    kept = {"values": {f"data.columns.{role}": {"value": column}
                       for role, column in (("text", "review"), ("group", "patient"), ("time", "date"))}}
    data, typed = _reading(kept, task, ["data.columns.label=stars"])
    assert data.columns == {"text": "review", "label": "stars"}
    assert typed.columns == {"label": "stars"}
