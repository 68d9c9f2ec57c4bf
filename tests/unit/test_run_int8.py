"""Which training rows the ranges of static int8 are measured on, and what of them is held."""

from __future__ import annotations

import io
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from finetune import override
from finetune import recipe as recipes
from finetune.errors import ExportError
from finetune.export import targets
from finetune.run import int8
from finetune.run.context import Run
from finetune.run.folder import RunFolder
from finetune.tasks.text_classification import TextClassification
from tests.parity import setting
from tests.unit import small_tokenizer
from tests.unit.test_export_optimum import exported

pytestmark = pytest.mark.slow
TASK = TextClassification(labels=("negative", "positive"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of 200 training rows."""
    recipe = override.apply(recipes.load("sentiment"), ["export.quantize=int8_static", "export.quantize.rows=150"])
    made = Run("sentiment", recipe, RunFolder(tmp_path), Console(file=io.StringIO()))
    made.folder.write_table("train", setting.text_rows(200))
    return made


def test_rows_are_drawn_by_the_seed_and_read_one_after_the_other(run: Run) -> None:
    processor = small_tokenizer.processor()
    found = [inputs["input_ids"].tolist() for inputs in int8._calibrating(run, TASK, processor)]
    rows = run.examples("train", TASK, processor)
    wanted = [[list(rows[int(place)]["input_ids"])] for place in int8._drawn(run, run.folder.table("train"), 150)]
    assert found == wanted
    assert len(found) == 150


def test_no_row_is_held_once_the_next_one_is_asked_for(run: Run) -> None:
    held: list[Any] = []
    for inputs in int8._calibrating(run, TASK, small_tokenizer.processor()):
        held.append(weakref.ref(inputs["input_ids"]))
        assert sum(one() is not None for one in held) <= 2


def test_fewer_rows_than_asked_for_are_an_error(run: Run) -> None:
    run.folder.write_table("train", setting.text_rows(149))
    with pytest.raises(ExportError, match="export.quantize.rows: 150 training rows are asked for and there are 149. Use at most 149, or auto."):
        next(int8._calibrating(run, TASK, small_tokenizer.processor()))


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_a_form_for_another_processor_is_said_to_be_judged_here(
    name: str, run: Run, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = exported("bert", tmp_path_factory.getbasetemp())
    recipe = override.apply(run.recipe, [f"export.target={name}", "export.quantize=int8_dynamic"])
    int8.write(replace(run, recipe=recipe), {"fp32": made.file}, tmp_path / "int8" / "model.onnx", task=TASK, processor=made.processor)
    assert isinstance(run.console.file, io.StringIO)
    said = run.console.file.getvalue()
    wanted = f"  int8 is written for {name} and judged here, on {targets.own()}: what it loses and how fast it is there is not measured\n"
    assert said == ("" if name == targets.own() else wanted)
