"""Stage 1: raw rows to cleaned splits, with the ledger of everything that was touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from finetune import mapped, saved
from finetune.clean import engine, ledger
from finetune.clean.review import judging, sheet
from finetune.clean.review.tally import headline
from finetune.clean.survey.whole import survey
from finetune.data import sources, split
from finetune.run import balance, embed, verdicts
from finetune.run.sides import hold_out, sides
from finetune.write import write_lines

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Task
    from finetune.run.context import Run


def prepare(run: Run) -> None:
    """Read, hold out, limit, clean; writes `data/` of the run folder."""
    data, task = run.recipe.data, run.recipe.task
    source, reason = sources.choose(data)
    run.say(f"rows from {source}: {reason}")
    roles, aside = sources.all_roles(data, source, task.roles), run.folder.path
    raw = sources.read(data, source, task.roles, aside=aside)
    judged = verdicts.begin(run, raw.splits)
    splits, notes = hold_out(run, raw.splits, roles), list(raw.notes)
    raw = replace(raw, splits={})  # they take as much memory again
    # Asked only where the answer counts: it loads torch, which cleaning does not need.
    accelerator = source == "hub" and data.max_rows == "auto" and run.has_accelerator()
    most = sources.limit(data, source, accelerator=accelerator)
    if most is not None and splits["train"].num_rows > most:
        notes.append(f"{most:,} of {splits['train'].num_rows:,} training rows are used (stratified); "
                     "data.max_rows=all lifts the limit")
        splits["train"] = split.take(splits["train"], most, run.recipe.seed)
    for note in notes:
        run.say(note)
    seen = embed.embed(run, splits, source=source)
    cleaned = engine.clean(splits, roles, run.recipe.clean, judged=judged, columns=sources.columns(data, source),
                           embed=seen, aside=aside)
    if seen is not None and (suspects := cleaned.quality.get("suspects")):
        suspects["features"] = seen.said
        if "not_judged" in suspects:
            suspects["not_judged"] = seen.why_not or suspects["not_judged"]
            run.say(f"label_errors: not judged, since {suspects['not_judged']}")
    learnt = task.learn(cleaned.splits)
    _write(run, cleaned)
    mapped.let_go()
    asked = sheet.questions(cleaned.ledger, roles, policies=engine.done(cleaned.quality))
    cleaned.quality["review"] = sheet.summed(asked)
    _tell(run, cleaned.quality)
    if asked:
        sheet.write(asked, splits, roles, file=run.folder.path / "data" / sheet.FILE, known=judged)
        mapped.let_go()
    used = cleaned.splits
    run.say("rows: " + ", ".join(f"{table.num_rows:,} {name}" for name, table in used.items())
            + _told(used["train"], task))
    run.folder.write("data/source.json", {"source": source, "name": raw.name, "revision": raw.revision,
                                          "license": raw.license, "learnt": _difference(task, learnt), "notes": notes})
    quality = cleaned.quality
    if task.roles[task.target] == "label":
        quality |= {"balance": balance.entry(run, used["train"], cleaned.features)}
    # Written last: its presence says that the stage has finished.
    run.folder.write("data/quality.json", quality | survey(used, task.roles, seed=run.recipe.seed))


def _tell(run: Run, quality: Mapping[str, Any]) -> None:
    """What cleaning has done, and what of it is worth a look."""
    for line in verdicts.summary(quality[judging.RULE]) if judging.RULE in quality else ():
        run.say(line)
    for rule, found in () if run.shows_findings else ledger.summary(quality):
        run.say(f"{rule}: {found}")
    asked = quality["review"]["findings"]
    to_judge = f"; {asked:,} finding{'s' * (asked != 1)} to judge in data/{sheet.FILE}" if asked else ""
    run.say(f"checks: {headline(quality['tally'])}{to_judge}")


def _difference(task: Task, learnt: Task) -> dict[str, Any]:
    """The settings that the rows have decided."""
    before = saved.settings(task)
    return {name: value for name, value in saved.settings(learnt).items() if value != before[name]}


def _write(run: Run, cleaned: Any) -> None:
    for name, table in cleaned.splits.items():
        run.folder.write_table(name, table)
    ledger.write(cleaned.ledger, run.folder.path / "data" / "ledger.jsonl")
    write_lines(run.folder.path / "data" / "split.jsonl", sides(cleaned))


def _told(train: pa.Table, task: Task) -> str:
    """`; labels: positive 310, negative 290`, of lists too; nothing where names are not what is learnt."""
    if task.roles[task.target] not in ("label", "labels"):
        return ""
    cells = train[task.target].to_pylist()
    counts = Counter(name for cell in cells for name in ([cell] if isinstance(cell, str) else cell or ())).most_common()
    shown = ", ".join(f"{name} {count:,}" for name, count in counts[:8])
    return f"; labels: {shown}" + (f" and {len(counts) - 8} more" if len(counts) > 8 else "")
