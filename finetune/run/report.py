"""Stage 5: figures, the HTML page and the model card, from the files of the run alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finetune.run.context import Run


def report(run: Run) -> None:
    """Write `figures/`, `README.md` and, last, `report.html`."""
    from finetune.report import card, page

    card.write(run.folder.path)
    page.write(run.folder.path)
    run.say(f"{run.folder.path / 'report.html'}")
