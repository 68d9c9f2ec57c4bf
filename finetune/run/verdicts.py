"""The verdicts that a run begins with: those remembered beside the runs of its recipe, and a sheet that was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from finetune.clean import engine
from finetune.clean.review import judging, marks, verdicts
from finetune.write import read_lines, write_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from finetune.clean.review.marks import Mark
    from finetune.clean.review.verdicts import Verdict
    from finetune.run.context import Run

GIVEN = "data/given.jsonl"  # what a person wrote into the sheet, until it has been held against the rows


def give(run: Run, given: Sequence[Mark]) -> None:
    """Lay the marks of a sheet into a run folder, for `begin`."""
    (run.folder.path / GIVEN).parent.mkdir(exist_ok=True)
    write_lines(run.folder.path / GIVEN, map(asdict, given))


def begin(run: Run, splits: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """The verdicts that this run cleans with, the same ones again when it is resumed; new ones are remembered.

    `splits` are the rows as they were read. DataError with everything that is wrong in a sheet that was given.
    """
    own, known = run.folder.path / "data" / verdicts.FILE, remembered(run)
    if own.is_file():
        return verdicts.read(own)
    if run.recipe.clean.get(judging.RULE) == "off":
        if known.is_file():
            run.say(f"verdicts in {known} are not applied: clean.verdicts=off")
        return ()
    held = verdicts.read(known)
    if (run.folder.path / GIVEN).is_file():
        date = datetime.now(UTC).isoformat(timespec="seconds")
        given = [marks.Mark(**line) for line in read_lines(run.folder.path / GIVEN)]
        new = marks.verdicts(given, splits, run.recipe.task.roles, rules=engine.offered(), date=date)
        held = verdicts.merged(held, new)
        verdicts.write(held, known)
        (run.folder.path / GIVEN).unlink()
        run.say(f"{len(new):,} {'verdict is' if len(new) == 1 else 'verdicts are'} remembered in {known}")
    if held:
        verdicts.write(held, own)
    return held


def remembered(run: Run) -> Path:
    """The file beside the runs of the recipe."""
    return run.folder.path.parent / verdicts.FILE


def summary(counts: Mapping[str, Any]) -> list[str]:
    """What to say of the verdicts that were applied: one line, and one where held-out rows are concerned."""
    used, names = counts["used"], {"relabel": "relabelled", "drop": "dropped", "keep": "findings kept"}
    done = ", ".join(f"{used[kind]:,} {name}" for kind, name in names.items() if used[kind]) or "no such row is here"
    lines = [f"{sum(used.values()):,} of {counts['given']:,} verdicts applied: {done}"]
    if counts["left"]:
        lines.append(f"{counts['left']:,} verdicts are about validation or test rows, which stay as they are; "
                     "clean.verdicts=all applies them too")
    if any(of_split["found"] for split, of_split in counts["splits"].items() if split != engine.TRAIN):
        lines.append("validation or test rows were changed by verdicts: scores before and after cannot be compared")
    return lines
