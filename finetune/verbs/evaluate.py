"""`finetune evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from finetune.verbs.arguments import RunPlace, out

EXAMPLE = "finetune evaluate runs/sentiment/last reviews.csv data.columns.text=review --by label"

NUM_LABELS = 10
NUM_CONFUSIONS = 3

FilePlace = Annotated[Path, typer.Argument(metavar="FILE", help="Rows with labels: table or pictures.")]
By = Annotated[list[str] | None, typer.Option(
    "--by", metavar="COLUMN", help="Scores by the values of this column; may be repeated.")]
Reading = Annotated[list[str] | None, typer.Argument(
    metavar="KEY=VALUE", help="How FILE is read, where it differs: data.columns.<role>, data.images.")]


def verb(place: RunPlace, file: FilePlace, overrides: Reading = None, *, by: By = None) -> None:
    """Score a run on another file, also by the values of its columns.

    Rows that the run was trained on are counted, and the score is given without them.
    """
    from finetune.run import folder, measure, pipeline

    run = folder.open_run(place)
    found, written = measure.measure(run, file.expanduser(), by=list(dict.fromkeys(by or [])),
                                     overrides=overrides or [], say=_say)
    own = run.read("metrics.json") if (run.path / "metrics.json").is_file() else None
    _show("scores", _scores(found, own))
    for line in _warnings(found):
        _say(line)
    if len(found["labels"]) > 1 and "per_class" in found["scores"]:
        _show("by label", _labels(found["scores"]["per_class"]))
        for line in _confusions(found):
            _say(line)
    for name, parts in found["slices"].items():
        _show(f"{found['primary']} by {name}", _slices(parts, found["primary"]))
    out.print()
    _say(f"written: {pipeline.short(written)}")


def _say(text: str) -> None:
    out.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)


def _show(title: str, table: Table) -> None:
    out.print(Text(title, style="bold"))
    out.print(Padding(table, (0, 0, 0, 2), expand=False))


def _table(words: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(words, overflow="ellipsis", no_wrap=True, max_width=34)
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _interval(score: Mapping[str, float]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


def _scores(found: Mapping[str, Any], own: Mapping[str, Any] | None) -> Table:
    """Every score that is one number, beside that of the run's own test rows."""
    table = _table("score", "here (95% interval)", *(["the run's own test"] if own else []))
    tested = own["splits"]["test"] if own else {}
    for name, score in found["scores"].items():
        if isinstance(score, dict) and "value" in score:
            theirs = [_interval(tested[name]) if name in tested else ""] if own else []
            table.add_row(name, _interval(score), *theirs, style="bold" if name == found["primary"] else None)
    return table


def _warnings(found: Mapping[str, Any]) -> Iterable[str]:
    """Which of these rows the run has seen before, which makes a score too good."""
    from finetune.evaluate.slices import FEW_ROWS

    seen, primary = found["seen"], found["primary"]
    if seen is None:
        yield "warning: this run folder holds no training rows, so rows that it was trained on cannot be told"
    elif seen["unseen"] == found["rows"]:
        yield "the run was trained and chosen on none of these rows"
    else:
        parts = [f"{done} {seen[split]:,}" for split, done in (("train", "trained on"), ("validation", "chosen on"))
                 if seen[split]]
        yield (f"warning: of these {found['rows']:,} rows the run was {' and '.join(parts)}: the scores above are "
               "too good")
        new = seen[f"{primary}_unseen"]
        few = " (few rows)" if seen["unseen"] < FEW_ROWS else ""
        yield (f"{primary} without them: {_interval(new)} on {seen['unseen']:,} rows{few}" if new else
               "not one row is left without them")


def _labels(per_class: Sequence[Mapping[str, Any]]) -> Table:
    """The labels with the lowest F1; those without a row in the file are left out."""
    from finetune.report import folder, rounding

    table = _table("label", rounding.plurals(folder.counted(per_class[0])), "precision", "recall", "f1")
    present = sorted((entry for entry in per_class if entry["support"]), key=lambda entry: float(entry["f1"]))
    for entry in present[:NUM_LABELS]:
        table.add_row(Text(entry["label"]), f"{entry['support']:,}",
                      *(f"{entry[name]:.3f}" for name in ("precision", "recall", "f1")))
    for count, what in ((len(present) - NUM_LABELS, "more, with a higher f1"),
                        (len(per_class) - len(present), "without a row here")):
        if count > 0:
            table.add_row(f"({count} {what})", style="dim")
    return table


def _confusions(found: Mapping[str, Any]) -> Iterable[str]:
    """The pairs of labels that are confused most often."""
    names, counts = found["labels"], found["scores"].get("confusion", ())  # none of lists of labels and of tags
    pairs = [(count, target, prediction) for target, row in enumerate(counts) for prediction, count in enumerate(row)
             if count and target != prediction]
    for count, target, prediction in sorted(pairs, key=lambda pair: -pair[0])[:NUM_CONFUSIONS]:
        yield f"{count:,} of {sum(counts[target]):,} {names[target]!r} are taken for {names[prediction]!r}"


def _slices(parts: Sequence[Mapping[str, Any]], primary: str) -> Table:
    table = _table("value", "rows", f"{primary} (95% interval)", "")
    for entry in parts:
        mark = "worse than all" if entry["worse"] else "few rows" if entry["few"] else ""
        table.add_row(Text(entry["value"]), f"{entry['rows']:,}", _interval(entry["score"]), mark,
                      style="bold" if entry["worse"] else "dim" if entry["few"] else None)
    return table
