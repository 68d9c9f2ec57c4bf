"""The int8 model of a run: written, from training rows where it needs them, and searched for where it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.data.examples import Examples
from finetune.errors import ExportError
from finetune.export import rescue, targets
from finetune.export.generate import parts
from finetune.export.quantize import Form, quantize
from finetune.spec import Int8Static
from finetune.write import write_json

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Task
    from finetune.run.context import Run

AUTO_ROWS = 128  # for the ranges of activations
SEARCHED = 512  # training rows on which forms are compared
NAME = "rescue.json"


def write(run: Run, files: Mapping[str, Path], file: Path, *, task: Task, processor: Any) -> Form:
    """Write the int8 form that the recipe asks for; returns how.

    Dynamic int8 is made of the optimized graph, where there is one: its attention layers become int8 as a whole. Static
    ranges lie between nodes, which fusing takes away.
    """
    settings = run.recipe.export
    assert settings.quantize is not None
    source = files["fp32"] if isinstance(settings.quantize, Int8Static) else files.get("optimized", files["fp32"])
    form = Form(settings=settings.quantize, target=targets.target(settings.target))
    for part in parts(source):
        quantize(part, file.with_name(part.name), form, rows=_calibrating(run, task, processor))
    if form.target.name != targets.own():
        run.say(f"int8 is written for {form.target.name} and judged here, on {targets.own()}: what it loses and how "
                "fast it is there is not measured")
    return form


def search(run: Run, source: Path, file: Path, *, form: Form, task: Task, processor: Any, threads: int) -> bool:
    """Write the form that holds on training rows, where there is one; what was tried goes into `rescue.json`."""
    def rows() -> Iterator[Mapping[str, Array]]:
        return _calibrating(run, task, processor)

    table = run.folder.table("train")
    drawn = Examples(table.take(_drawn(run, table, SEARCHED)), task, processor)
    trials = rescue.Search(source=source, examples=drawn, rows=rows, max_score_drop=run.recipe.export.max_score_drop,
                           threads=threads, draft=file.parent, elsewhere=form.target.name != targets.own())
    found, tried = rescue.search(trials, form, run.say)
    write_json(source.parent / NAME, {"rows": len(drawn), "found": found and found.as_json(),
                                      "tried": [attempt.as_json() for attempt in tried]})
    if found is not None:
        quantize(source, file, found.form, rows=rows())
    return found is not None


def _calibrating(run: Run, task: Task, processor: Any) -> Iterator[Mapping[str, Array]]:
    """Inputs of the rows that ranges are measured on, one at a time; none where the form needs no ranges."""
    settings = run.recipe.export.quantize
    if not isinstance(settings, Int8Static):
        return
    wanted = AUTO_ROWS if settings.rows == "auto" else settings.rows
    table = run.folder.table("train")
    if table.num_rows < wanted and settings.rows != "auto":
        raise ExportError("export.quantize.rows", f"{wanted:,} training rows are asked for and there are "
                                                  f"{table.num_rows:,}. Use at most {table.num_rows:,}, or auto.")
    for place in _drawn(run, table, wanted):  # no row is kept, so that memory does not grow with their number
        yield task.collate(task.encode(table.slice(place, 1).to_pylist(), processor), processor).inputs


def _drawn(run: Run, table: pa.Table, most: int) -> Array:
    """Positions of at most so many training rows, drawn by the run's seed."""
    return np.sort(np.random.default_rng(run.recipe.seed).permutation(table.num_rows)[:most])
