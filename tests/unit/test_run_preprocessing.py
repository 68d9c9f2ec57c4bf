"""What a run says of its pictures and texts, and where each value was decided."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from finetune.backbones import resolve, tiny
from finetune.data.examples import Examples
from finetune.run import pipeline, preprocessing
from finetune.run.context import Run
from finetune.tasks.text_classification import TextClassification
from tests.parity import setting
from tests.unit import small_tokenizer

WEIGHTS = "the weights' preprocessor_config.json"


def begun(recipe: str, place: Path, *settings: str) -> Run:
    return pipeline.start(recipe, [f"output_dir={place / 'runs'}", *settings], command="", console=Console(file=io.StringIO()))


def said(recipe: str, kind: str, place: Path, *settings: str) -> list[str]:
    """The lines of a run whose backbone is a miniature."""
    backbone = tiny.write(kind, place / "backbone", words=["a", "b"])
    run = begun(recipe, place, f"model.name={backbone}", f"model.family={tiny.family(kind)}", *settings)
    task = run.recipe.task
    return preprocessing.said(preprocessing.values(run, resolve.load(run.recipe.model, task.head, sample=False), task))


@pytest.mark.parametrize(("recipe", "kind", "settings", "line"), [
    ("images", "vit", (), f"pictures 32 x 32, squashed to a square, bilinear, mean 0.5 0.5 0.5, deviation 0.5 0.5 0.5 ({WEIGHTS})"),
    ("images", "efficientnet", (), f"pictures 32 x 32, squashed to a square, nearest, mean 0.5 0.5 0.5, deviation 0.229 0.224 0.225 ({WEIGHTS})"),
    ("image_score", "timm_convnext", ("task.image_size=64",),
     "pictures 64 x 64 (task.image_size of the command line), the middle square, bicubic, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225 "
     "(the weights' config.json, pretrained_cfg)"),
    ("sentiment", "bert", (), "texts in lower case (the weights' tokenizer.json), at most 128 tokens (task.max_tokens by default; the backbone can take 160)"),
    ("sentiment", "bert", ("task.max_tokens=400",),
     "texts in lower case (the weights' tokenizer.json), at most 160 tokens (all that the backbone can take; task.max_tokens is 400)"),
    ("ner", "bert", ("task.max_tokens=64", "task.overlap=8"),
     "texts in lower case (the weights' tokenizer.json), in windows of at most 64 tokens (task.max_tokens of the command line; the backbone can take 160)"),
])
def test_every_value_is_said_with_its_source(recipe: str, kind: str, settings: tuple[str, ...], line: str, tmp_path: Path) -> None:
    assert said(recipe, kind, tmp_path, *settings) == [line]


@pytest.mark.parametrize(("texts", "told"), [
    (["a b", "a c", "d e"], []),
    (["a b", "\u597d \u5403", "\u4e0d b"],
     ["25% of the tokens of the training texts are unknown to this backbone, which may not have their language: name one that does (model.name=...)"]),
])
def test_texts_that_the_backbone_cannot_spell_are_told(texts: list[str], told: list[str]) -> None:
    rows = pa.table({"row": ["t:1", "t:2", "t:3"], "text": texts, "label": ["x", "y", "x"]})
    assert preprocessing.unknown(Examples(rows, TextClassification(labels=("x", "y")), small_tokenizer.processor())) == told


def test_length_of_what_is_written_has_a_line_of_its_own(tmp_path: Path) -> None:
    assert said("summarize", "t5", tmp_path)[1].startswith("texts to be written: at most ")


def pictures(run: Run, table: pa.Table) -> Any:
    run.folder.write_table("train", table)
    return run


def test_stand_in_for_a_sample_sees_pictures_of_the_size_that_the_recipe_names(tmp_path: Path) -> None:
    run = begun("image_score", tmp_path, "data.source=sample")
    fitted = preprocessing.fit_to_rows(run, run.recipe.task, sample=True)
    loaded = resolve.load(run.recipe.model, fitted.head, sample=True)
    assert loaded.processor.size == 48
    assert preprocessing.said(preprocessing.values(run, loaded, fitted)) == [
        "pictures 48 x 48 (model.sample_size of the recipe), the middle square, bicubic, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225 "
        "(timm's pretrained_cfg of resnet10t)"]


def test_pretrained_weights_keep_their_own_size(tmp_path: Path) -> None:
    run = begun("image_score", tmp_path, "data.source=hub")
    assert preprocessing.fit_to_rows(run, run.recipe.task, sample=False) == run.recipe.task


def test_random_weights_see_small_pictures_at_twice_their_size(tmp_path: Path) -> None:
    run = pictures(begun("images", tmp_path, "data.source=sample"), setting.image_rows(8))
    assert preprocessing.fit_to_rows(run, run.recipe.task, sample=True).image_size == 64


def test_runs_of_earlier_versions_have_nothing_to_say() -> None:
    assert preprocessing.said({}) == []
