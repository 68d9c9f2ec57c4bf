"""Stage 1: raw rows to cleaned splits, with the ledger of everything that was touched."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from finetune.clean import engine, ledger
from finetune.data import labels, sources, split
from finetune.write import write_lines

if TYPE_CHECKING:
    from finetune.run.context import Run


def prepare(run: Run) -> None:
    """Read, hold out, limit, clean; writes `data/` of the run folder."""
    data, task = run.recipe.data, run.recipe.task
    source, reason = sources.choose(data)
    run.say(f"rows from {source}: {reason}")
    raw = sources.read(data, source, task.roles)
    splits, notes = _hold_out(run, raw.splits), list(raw.notes)
    # Asked only where the answer counts: it loads torch, which cleaning does not need.
    accelerator = source == "hub" and data.max_rows == "auto" and run.has_accelerator()
    most = sources.limit(data, source, accelerator=accelerator)
    if most is not None and splits["train"].num_rows > most:
        notes.append(f"{most:,} of {splits['train'].num_rows:,} training rows are used (stratified); "
                     "data.max_rows=all lifts the limit")
        splits["train"] = split.take(splits["train"], most, run.recipe.seed)
    for note in notes:
        run.say(note)
    cleaned = engine.clean(splits, task.roles, run.recipe.clean)
    names = labels.resolve_labels(cleaned.splits, task.labels)
    for rule, found in ledger.summary(cleaned.quality):
        run.say(f"{rule}: {found}")
    _write(run, cleaned, names)
    used = cleaned.splits
    run.say("rows: " + ", ".join(f"{table.num_rows:,} {name}" for name, table in used.items())
            + f"; labels: {_counts(used['train']['label'].to_pylist())}")
    run.folder.write("data/source.json", {"source": source, "name": raw.name, "revision": raw.revision,
                                          "license": raw.license, "labels": names, "notes": notes})
    # Written last: its presence says that the stage has finished.
    run.folder.write("data/quality.json", cleaned.quality)


def _hold_out(run: Run, splits: dict[str, Any]) -> dict[str, Any]:
    """Validation and test rows from train, where the data bring none; copies and near copies stay together."""
    import pyarrow as pa

    from finetune.clean import broken_pictures
    from finetune.clean.near import pairs

    shares = {name: share for name, share in (("validation", run.recipe.data.split.validation),
                                              ("test", run.recipe.data.split.test)) if name not in splits}
    if shares:
        train, broken = broken_pictures.apart(splits["train"], run.recipe.task.roles)  # nothing to be measured by
        keys = pairs.cluster_keys(train, run.recipe.task.roles)
        splits = splits | split.hold_out(train, shares=shares, keys=keys, seed=run.recipe.seed)
        splits["train"] = pa.concat_tables([splits["train"], broken])  # where cleaning drops them
        held = " and ".join(f"{splits[name].num_rows:,} rows for {name}" for name in shares)
        run.say(f"held out of the training rows, stratified: {held}")
    return {name: splits[name] for name in ("train", "validation", "test")}


def _write(run: Run, cleaned: Any, names: tuple[str, ...]) -> None:
    for name, table in cleaned.splits.items():
        run.folder.write_table(name, table)
    ledger.write(cleaned.ledger, run.folder.path / "data" / "ledger.jsonl")
    write_lines(run.folder.path / "data" / "split.jsonl",
                ({"row": row, "split": name} for name, table in cleaned.splits.items()
                 for row in table["row"].to_pylist()))
    assert names


def _counts(values: list[str]) -> str:
    counts = Counter(values).most_common()
    shown = ", ".join(f"{name} {count:,}" for name, count in counts[:8])
    return shown + (f" and {len(counts) - 8} more" if len(counts) > 8 else "")
