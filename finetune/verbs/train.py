"""`finetune train`."""

from __future__ import annotations

import os

from finetune.verbs.arguments import Overrides, RecipeName, Resume, open_run

EXAMPLE = "torchrun --nproc_per_node 2 -m finetune train sentiment"


def verb(recipe: RecipeName, overrides: Overrides = None, resume: Resume = False) -> None:
    """Clean and train only, also under accelerate launch and torchrun."""
    if not resume:
        from finetune.run import pipeline

        # A wrong word is answered before torch is loaded, and a file that is not there by one process alone.
        (pipeline.asked if os.environ.get("RANK", "0") == "0" else pipeline.resolve)(recipe, overrides or [])
    from finetune.run import launch

    launch.train(lambda console: open_run(recipe, overrides or [], resume=resume, console=console))
