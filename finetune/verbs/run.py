"""`finetune run`."""

from __future__ import annotations

import os

from finetune.errors import SpecError
from finetune.verbs.arguments import Overrides, RecipeName, Resume, box, open_run

EXAMPLE = "finetune run sentiment data.files.train=reviews.csv data.columns.text=review"


def verb(recipe: RecipeName, overrides: Overrides = None, resume: Resume = False) -> None:
    """All stages: clean, train, evaluate, export, report."""
    from finetune.run import pipeline

    processes = os.environ.get("WORLD_SIZE", "1")
    if processes != "1":
        raise SpecError([f"run: a launcher has started {processes} processes, and each would make a run of its own. "
                         f"Use finetune launch {recipe} --processes {processes}."])
    made = open_run(recipe, overrides or [], resume=resume)
    pipeline.announce(made)
    pipeline.foresee(made)
    pipeline.carry_out(made)
    box(pipeline.summary(made))
