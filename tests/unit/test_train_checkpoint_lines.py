"""Checkpoints that the other library line wrote: its names and order of weights are not always those of this one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from finetune.errors import TrainingError
from finetune.machine import versions
from finetune.spec import Train
from finetune.train import checkpoint
from finetune.train.optim import optimizer
from finetune.train.progress import Progress

HERE = versions()["transformers"]
ADVICE = r"so training cannot go on with it\. Finish the run in the environment that began it \(docs/lines\.md\), or start a new one\."


def model(*names: str) -> nn.Module:
    """Layers of one shape under these names, in this order."""
    torch.manual_seed(0)
    return nn.ModuleDict({name: nn.Linear(3, 3, bias=False) for name in names})


def saved(made: nn.Module, folder: Path) -> Path:
    adam = optimizer(made, Train())
    for weight in made.parameters():
        weight.grad = torch.ones_like(weight)
    adam.step()
    return checkpoint.save(folder, made, adam, progress=Progress(step=1), random={"random-00000": checkpoint.random_state()})


def rewrite(written: Path, **changed: Any) -> None:
    """Put other words into what a checkpoint says of itself; None takes them out."""
    told = json.loads((written / "progress.json").read_text()) | changed
    (written / "progress.json").write_text(json.dumps({key: value for key, value in told.items() if value is not None}))


def rename(written: Path, names: Mapping[str, str]) -> None:
    """The checkpoint as a line with other names would have written it."""
    told = json.loads((written / "progress.json").read_text())
    weights = load_file(written / "model.safetensors")
    save_file({names.get(name, name): value for name, value in weights.items()}, written / "model.safetensors")
    rewrite(written, weights=[names.get(name, name) for name in told["weights"]])


def load(written: Path, made: nn.Module) -> None:
    checkpoint.load(written, made, optimizer(made, Train()))


def test_other_names_are_told_with_both_versions_and_what_to_do(tmp_path: Path) -> None:
    written = saved(model("embedding", "query"), tmp_path)
    rename(written, {"query.weight": "attention.query.weight"})
    rewrite(written, transformers="5.99.0")
    said = (rf"was written beside transformers 5\.99\.0 and is read beside {re.escape(HERE)}, where the weights of this architecture have "
            rf"other names \(attention\.query\.weight there, query\.weight here\), {ADVICE}")
    with pytest.raises(TrainingError, match=re.escape(str(written)) + ": " + said):
        load(written, model("embedding", "query"))


def test_another_order_is_refused_since_moments_would_go_to_the_wrong_weights(tmp_path: Path) -> None:
    written = saved(model("key", "query"), tmp_path)
    with pytest.raises(TrainingError, match=rf"have another order \(key\.weight there, query\.weight here\), {ADVICE}"):
        load(written, model("query", "key"))


@pytest.mark.parametrize(("there", "here", "named"), [(("a", "b"), ("a",), "b.weight there, nothing here"), (("a",), ("a", "b"), "nothing there, b.weight here")])
def test_more_or_fewer_weights_are_refused(there: tuple[str, ...], here: tuple[str, ...], named: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=rf"other names \({named}\)"):
        load(saved(model(*there), tmp_path), model(*here))


def test_refused_checkpoint_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    written, other = saved(model("key", "query"), tmp_path), model("query", "key")
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(TrainingError):
        load(written, other)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


def test_same_names_of_another_version_are_loaded(tmp_path: Path) -> None:
    written = saved(model("key", "query"), tmp_path)
    rewrite(written, transformers="4.0.0")
    load(written, model("key", "query"))


def test_checkpoint_from_before_names_were_noted_is_loaded_where_they_fit(tmp_path: Path) -> None:
    written = saved(model("key", "query"), tmp_path)
    rewrite(written, transformers=None, weights=None)
    load(written, model("key", "query"))
    with pytest.raises(TrainingError, match=rf"beside transformers of another version and .+ other names .+{ADVICE}"):
        load(written, model("q", "k"))


@pytest.mark.slow
@pytest.mark.lines
def test_vit_of_the_other_line_is_refused(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForImageClassification

    from finetune.backbones import hf, tiny

    made = AutoModelForImageClassification.from_config(AutoConfig.for_model("vit", **tiny.IMAGE["vit"]))
    older, newer = "vit.encoder.layer.0.attention.attention.query.weight", "vit.layers.0.attention.q_proj.weight"
    own, other = (newer, older) if hf.MAJOR >= 5 else (older, newer)
    assert own in made.state_dict()
    written = saved(made, tmp_path)
    rename(written, {own: other})
    with pytest.raises(TrainingError, match=re.escape(f"({other} there, {own} here)")):
        load(written, made)
