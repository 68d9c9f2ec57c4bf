"""A backbone that cannot do the task is refused by its config.json, with those that can, before any row is cleaned."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from finetune import recipe as recipes
from finetune import tasks
from finetune.backbones import resolve
from finetune.errors import BackboneError
from finetune.run import pipeline
from finetune.spec import Model
from tests.conftest import ROOT

pytestmark = pytest.mark.lines
FOUND = [recipes.load(file.stem).task for file in sorted((ROOT / "recipes").glob("*.py"))]
TASKS = {type(task).__module__.rpartition(".")[2]: task for task in FOUND}
CONFIGS: dict[str, dict[str, Any]] = {
    "bert": {"model_type": "bert"}, "roberta": {"model_type": "roberta"}, "t5": {"model_type": "t5"}, "bart": {"model_type": "bart"},
    "vit": {"model_type": "vit"}, "convnext": {"model_type": "convnext"}, "timm": {"architecture": "resnet10t"},
    "whisper": {"model_type": "whisper"}, "newer": {"model_type": "mobilenet_v3"},
    "coded": {"model_type": "their_own", "auto_map": {"AutoModel": "theirs.Model"}}, "bare": {"hidden_size": 32},
}
KINDS = {"AutoModelForImageClassification": ("vit", "convnext"), "AutoModelForSeq2SeqLM": ("t5", "bart")}  # else those that read texts


def folder_of(kind: str, place: Path) -> Path:
    """A backbone of which the config.json alone is there."""
    folder = place / kind
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIGS[kind]))
    return folder


def ask(model: Model, name: str) -> None:
    """Raise where a backbone cannot do a task, as a run does before anything else."""
    resolve.refuse_unsuited(model, resolve.configuration(model, sample=False), TASKS[name].head, task=name)


def test_every_task_is_asked() -> None:
    assert set(TASKS) == {file.stem for file in Path(tasks.__file__).parent.glob("[a-z]*.py")}


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("name", TASKS)
def test_backbone_that_cannot_do_the_task_is_refused_with_those_that_can(name: str, kind: str, tmp_path: Path) -> None:
    folder, auto = folder_of(kind, tmp_path), TASKS[name].head.auto
    fits = KINDS.get(auto, ("bert", "roberta"))
    if kind in fits:
        ask(Model(name=str(folder)), name)
        return
    with pytest.raises(BackboneError) as caught:
        ask(Model(name=str(folder)), name)
    said = str(caught.value)
    assert said.startswith(f"model.name: {folder}: its ")
    assert (f"These can do {name}: " in said and all(fit in said for fit in fits)) or said.endswith("Set model.family=timm.")
    assert str(CONFIGS[kind].get("model_type", "")) in said


@pytest.mark.parametrize(("kind", "family", "name", "said"), [
    ("t5", "hf", "text_classification", "its architecture is t5, an encoder with a decoder that writes texts, which cannot do"),
    ("bert", "hf", "summarization", "its architecture is bert, which cannot do summarization. These can do summarization: t5, bart "
                                    "(tested here), "),
    ("newer", "hf", "image_classification", "its config.json says model_type 'mobilenet_v3', which transformers "),
    ("coded", "hf", "image_classification", "exists only as code that comes with the weights (auto_map), and such code is never run here"),
    ("bare", "hf", "text_classification", "its config.json names no model_type. These can do"),
    ("timm", "hf", "image_regression", "its architecture is one of timm. Set model.family=timm."),
    ("timm", "hf", "token_classification", "its architecture is one of timm, which sees pictures and cannot do token_classification"),
    ("vit", "timm", "image_classification", "its architecture is vit, which is read by the loader of transformers. Set model.family=hf."),
    ("bert", "timm", "image_classification", "its config.json names no architecture of timm (bert is there). These can do image_"),
])
def test_every_kind_of_misfit_has_its_own_words(kind: str, family: str, name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BackboneError) as caught:
        ask(Model(name=str(folder_of(kind, tmp_path)), family=family), name)
    assert said in str(caught.value)


def test_networks_of_timm_are_refused_for_texts_whatever_their_name() -> None:
    with pytest.raises(BackboneError, match="^model.family: timm: timm's networks see pictures, and pair_regression reads texts"):
        ask(Model(name="any", family="timm"), "pair_regression")


def test_stand_in_for_the_sample_is_not_asked_for() -> None:
    assert resolve.configuration(Model(name="any", family="timm", sample="resnet10t"), sample=True) is None


def test_run_is_refused_before_rows_are_read(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('text,label\n"never closed,a\n')
    settings = [f"data.files.train={tmp_path / 'rows.csv'}", f"model.name={folder_of('vit', tmp_path)}", f"output_dir={tmp_path / 'runs'}"]
    run = pipeline.start("sentiment", settings, command="", console=Console(file=io.StringIO()))
    with pytest.raises(BackboneError, match="its architecture is vit, which cannot do text classification"):
        pipeline.foresee(run, exports=False)
    assert not run.folder.path.exists()  # nothing was done yet
