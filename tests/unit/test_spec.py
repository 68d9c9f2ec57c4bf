"""The values that describe a run, and every contradiction among them."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import FrozenInstanceError, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from finetune import checks, spec
from finetune.spec import Data, Epochs, Export, Files, Hub, Int8Dynamic, Lora, Model, Recipe, Rows, Split, Steps, Train
from finetune.tasks.text_classification import TextClassification

GOOD = Recipe(task=TextClassification(), data=Data(hub=Hub(name="me/rows"), sample="reviews"), model=Model(name="bert"))
OWN = Files(train="a.csv")


def problems(**changes: Any) -> list[str]:
    """Of the good recipe with changes to its `data`, `train`, `export` or to itself."""
    made = GOOD
    for name, value in changes.items():
        group, _, key = name.partition("_")
        part = getattr(made, group, None)
        made = replace(made, **{group: replace(part, **{key: value})} if is_dataclass(part) and key else {name: value})
    return checks.problems(made)


def test_defaults_have_no_problems() -> None:
    assert checks.problems(GOOD) == []


@pytest.mark.parametrize("changes", [
    {"data_split": Split(validation=0.01, test=0.5)},
    {"data_max_rows": 1}, {"data_max_rows": "all"},
    {"data_files": OWN, "data_source": "files"}, {"data_files": OWN}, {"data_files": OWN, "data_images": "x.zip"},
    {"data_files": Files(train="a.csv", validation="b.csv", test="c.csv")},
    {"train_batch": 1}, {"train_micro_batch": 1}, {"train_micro_batch": 32},
    {"train_lr": 1.0}, {"train_lr": 1e-12}, {"train_warmup": 0.0}, {"train_warmup": 0.99},
    {"train_weight_decay": 0.0}, {"train_clip": 0.0}, {"train_length": Steps(1)}, {"train_length": Epochs(0.01)},
    {"train_evaluate_every": Rows(1)}, {"train_patience": 0}, {"train_threads": 1},
    {"train_freeze": 1}, {"train_freeze": "backbone"}, {"train_adapter": Lora(rank=1, alpha=1e-3, dropout=0.99)},
    {"train_adapter": Lora(targets=("query",))}, {"model_random": True},
    {"export_max_score_drop": 0.0}, {"export_max_score_drop": 1.0}, {"export_opset": 14}, {"export_opset": 20},
    {"export_quantize": None}, {"seed": 0}, {"seed": 2**31 - 1},
], ids=str)
def test_values_on_the_bounds_are_allowed(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize(("changes", "problem"), [
    ({"data_source": "files"}, "data.files.train: source is 'files' but no file is given. Add data.files.train=FILE."),
    ({"data_source": "hub", "data_files": OWN},
     "data.source: 'hub' does not read data.files.train. Leave source out, or set it to 'files'."),
    ({"data_source": "sample", "data_files": OWN},
     "data.source: 'sample' does not read data.files.train. Leave source out, or set it to 'files'."),
    ({"data_files": Files(test="a.csv")},
     "data.files.train: only validation or test rows are given. Add data.files.train=FILE."),
    ({"data_files": Files(validation="a.csv")},
     "data.files.train: only validation or test rows are given. Add data.files.train=FILE."),
    ({"data_images": "x.zip"}, "data.images: only used with a table of image names. Add data.files.train=TABLE."),
    ({"data_split": Split(validation=0.0)},
     "data.split: shares (0.0, 0.1) found, each must lie between 0.01 and 0.5. Use for example 0.1."),
    ({"data_split": Split(test=0.51)},
     "data.split: shares (0.1, 0.51) found, each must lie between 0.01 and 0.5. Use for example 0.1."),
    ({"data_split": Split(validation=0.5, test=0.4)},
     "data.split: 90% of the rows would be held out, at most 80% can be. Use for example 0.1 each."),
    ({"data_columns": {"text": "review"}},
     "data.columns: names columns of your own files (text) but no file is given. Add data.files.train=FILE, or leave it "
     "out."),
    ({"data_max_rows": 0}, "data.max_rows: 0 found, at least 1 is needed. Use a count, or 'all'."),
    ({"train_batch": 0}, "train.batch: 0 found, at least 1 row is needed. Use for example 32."),
    ({"train_micro_batch": 0}, "train.micro_batch: 0 found, at least 1 row is needed. Use 'auto'."),
    ({"train_micro_batch": 33}, "train.micro_batch: 33 is more than train.batch=32. Use at most 32."),
    ({"train_lr": 0.0}, "train.lr: 0.0 found, allowed is above 0 up to 1. Use for example 3e-5."),
    ({"train_lr": -1e-5}, "train.lr: -1e-05 found, allowed is above 0 up to 1. Use for example 3e-5."),
    ({"train_lr": 1.1}, "train.lr: 1.1 found, allowed is above 0 up to 1. Use for example 3e-5."),
    ({"train_lr": float("nan")}, "train.lr: nan found, allowed is above 0 up to 1. Use for example 3e-5."),
    ({"train_warmup": 1.0}, "train.warmup: 1.0 found, allowed is a share from 0 to below 1. Use 0.1."),
    ({"train_warmup": -0.1}, "train.warmup: -0.1 found, allowed is a share from 0 to below 1. Use 0.1."),
    ({"train_weight_decay": -0.1}, "train.weight_decay: -0.1 found, allowed is 0 or more. Use 0.01."),
    ({"train_clip": -1.0}, "train.clip: -1.0 found, allowed is 0 (off) or more. Use 1.0."),
    ({"train_length": Epochs(0)}, "train.length: 0 found, it must be above 0. Use for example 3epochs."),
    ({"train_evaluate_every": Steps(0)},
     "train.evaluate_every: 0 found, it must be above 0. Use for example 1epochs."),
    ({"train_patience": -1}, "train.patience: -1 found, allowed is 0 (never stop early) or more. Use 3."),
    ({"train_threads": 0}, "train.threads: 0 found, at least 1 is needed. Use 'auto'."),
    ({"train_freeze": 0},
     "train.freeze: 0 found, a number of blocks is at least 1. Use 'embeddings' for the part below them."),
    ({"train_freeze": 2, "train_adapter": Lora()},
     "train.freeze: 2 found, but with train.adapter=lora the whole backbone is frozen. Set one of the two to none."),
    ({"model_random": True, "train_freeze": "embeddings"},
     "model.random: weights that start at random have to be trained, all of them. Set train.freeze=none and "
     "train.adapter=none, or leave out model.random."),
    ({"train_adapter": Lora(rank=0)}, "train.adapter.rank: 0 found, at least 1 is needed. Use for example 8."),
    ({"train_adapter": Lora(alpha=-1)}, "train.adapter.alpha: -1 found, it must be above 0. Use for example 16."),
    ({"train_adapter": Lora(dropout=1.0)},
     "train.adapter.dropout: 1.0 found, allowed is a share from 0 to below 1. Use for example 0.1."),
    ({"train_adapter": Lora(targets=())},
     "train.adapter.targets: no layer is named. Name ends of layer names, as in query,value, or use 'auto'."),
    ({"export_max_score_drop": -0.1}, "export.max_score_drop: -0.1 found, allowed is 0 to 1. Use 0.01 for one point."),
    ({"export_max_score_drop": 5.0}, "export.max_score_drop: 5.0 found, allowed is 0 to 1. Use 0.01 for one point."),
    ({"export_opset": 13}, "export.opset: 13 found, allowed is 14 to 20. Use 17."),
    ({"export_opset": 21}, "export.opset: 21 found, allowed is 14 to 20. Use 17."),
    ({"seed": -1}, "seed: -1 found, allowed is 0 to 2147483647. Use 13."),
    ({"seed": 2**31}, "seed: 2147483648 found, allowed is 0 to 2147483647. Use 13."),
], ids=str)
def test_value_that_cannot_work_is_one_problem(changes: dict[str, Any], problem: str) -> None:
    assert problems(**changes) == [problem]


def test_all_problems_are_found_at_once() -> None:
    found = problems(data_source="files", data_max_rows=0, train_batch=0, train_micro_batch=0, train_lr=0.0,
                     train_warmup=1.0, export_opset=3, seed=-1)
    assert [problem.partition(":")[0] for problem in found] == [
        "data.files.train", "data.max_rows", "train.batch", "train.micro_batch", "train.lr", "train.warmup",
        "export.opset", "seed"]


def test_recipe_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        GOOD.seed = 3


@pytest.mark.parametrize("kind", [Hub, Files, Split, Data, Model, Lora, Train, Export, Recipe])
def test_fields_are_given_by_name(kind: type) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        kind("something")


def test_defaults_are_those_that_the_documents_promise() -> None:
    assert Train() == Train(length=Epochs(3), batch=32, micro_batch="auto", lr=5e-5, schedule="linear", warmup=0.1,
                            weight_decay=0.01, clip=1.0, precision="auto", threads="auto", evaluate_every=Epochs(1),
                            patience=3, adapter=None, freeze="none")
    assert Lora() == Lora(rank=8, alpha=16, dropout=0.0, method="lora", targets="auto")
    assert Export() == Export(quantize=Int8Dynamic(per_channel=True), max_score_drop=0.01, opset=17)
    assert (GOOD.seed, GOOD.output_dir, GOOD.data.source, GOOD.data.max_rows) == (13, "runs", "auto", "auto")
    assert (Split(), Hub(name="x").splits) == (Split(validation=0.1, test=0.1), {"train": "train"})


def test_description_of_a_run_needs_the_standard_library_alone() -> None:
    code = "import sys, finetune.spec; print(sorted(name for name in sys.modules if name.startswith('finetune')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['finetune', 'finetune.spec']"
    tree = ast.parse(Path(spec.__file__).read_text(encoding="utf-8"))
    roots = {item.module.partition(".")[0] for item in tree.body if isinstance(item, ast.ImportFrom) and item.module}
    assert roots <= sys.stdlib_module_names


def test_every_setting_has_a_sentence_beneath_it() -> None:
    tree = ast.parse(Path(spec.__file__).read_text(encoding="utf-8"))
    settings = [item for item in tree.body if isinstance(item, ast.ClassDef)
                and item.name in ("Hub", "Files", "Split", "Data", "Model", "Lora", "Train", "Export", "Recipe")]
    pairs = [(group.name, item, after) for group in settings for item, after in pairwise([*group.body, ast.Pass()])]
    bare = [f"{name}.{item.target.id}" for name, item, after in pairs if isinstance(item, ast.AnnAssign)
            and not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant))]
    assert len(settings) == 9
    assert bare == []
