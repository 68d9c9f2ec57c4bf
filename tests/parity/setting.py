"""What the parity tests fit: a miniature backbone, rows made from a seed, and the loop around them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from PIL import Image

from finetune.backbones import adapters, freeze, resolve, tiny
from finetune.contracts import Loaded
from finetune.data.examples import Examples
from finetune.spec import Epochs, Model, Steps, Train
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.question_answering import QuestionAnswering
from finetune.tasks.text_classification import TextClassification
from finetune.tasks.token_classification import TokenClassification
from finetune.train import loop, objective, optim, sharding
from finetune.train.feed import Feed
from finetune.train.hooks import LogFile
from finetune.train.progress import Plan
from finetune.train.step import Fitting

GOOD, BAD, OTHER = ("fine", "lovely", "great"), ("poor", "dull", "awful"), tuple(f"word{i}" for i in range(40))
WORDS = (*GOOD, *BAD, *OTHER)
SEED = 5
# Tasks whose rows are read in several windows, on the miniature of BERT.
IN_WINDOWS: dict[str, Any] = {
    "tags": TokenClassification(labels=("BAD", "GOOD"), max_tokens=8, overlap=2, words="spaced"),
    "answers": QuestionAnswering(max_tokens=16, overlap=4, no_answer="possible"),
}


def text_rows(count: int, seed: int = SEED, every: int = 2) -> pa.Table:
    """Texts of 3 to 12 words, of which one or two decide about the label; one row in `every` is positive."""
    random = np.random.default_rng(seed)
    labels = ["positive" if i % every == 1 else "negative" for i in range(count)]
    texts = []
    for label in labels:
        words = [*random.choice(OTHER, random.integers(2, 11)), random.choice(GOOD if label == "positive" else BAD)]
        texts.append(" ".join(words))
    return pa.table({"row": [f"made:{i}" for i in range(count)], "hash": texts, "text": texts, "label": labels})


def tag_rows(texts: pa.Table) -> pa.Table:
    """The words of texts, those that decide tagged as such."""
    words = [text.split() for text in texts["text"].to_pylist()]
    tags = [["B-GOOD" if word in GOOD else "B-BAD" if word in BAD else "O" for word in row] for row in words]
    return pa.table({"row": texts["row"], "hash": texts["hash"], "tokens": words, "label": tags})


def answer_rows(texts: pa.Table) -> pa.Table:
    """The word that decides is the answer; every fifth row has none."""
    contexts = texts["text"].to_pylist()
    contexts = [text.rpartition(" ")[0] if row % 5 == 0 else text for row, text in enumerate(contexts)]
    answers = [{"text": [text.split()[-1]] if row % 5 else [], "answer_start": [text.rindex(" ") + 1] if row % 5 else []}
               for row, text in enumerate(contexts)]
    return pa.table({"row": texts["row"], "hash": texts["hash"], "question": ["word1 word2"] * len(contexts),
                     "context": contexts, "answers": answers})


def image_rows(count: int, seed: int = SEED) -> pa.Table:
    """Pictures of 32 pixels, brighter on the left or on the right."""
    random = np.random.default_rng(seed)
    cells, labels = [], []
    for i in range(count):
        pixels = random.integers(0, 120, (32, 32, 3))
        half = slice(0, 16) if i % 2 else slice(16, 32)
        pixels[:, half] += 100
        opened = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(opened, format="PNG")
        cells.append(opened.getvalue())
        labels.append("left" if i % 2 else "right")
    return pa.table({"row": [f"made:{i}" for i in range(count)], "hash": labels, "image": cells, "label": labels})


def rows(kind: str, count: int, seed: int = SEED, every: int = 2) -> pa.Table:
    """Rows for the miniature called `kind`."""
    if kind in IN_WINDOWS:
        return {"tags": tag_rows, "answers": answer_rows}[kind](text_rows(count, seed, every))
    return text_rows(count, seed, every) if kind in tiny.TEXT else image_rows(count, seed)


def training(kind: str, folder: Path, *, train: Train, num_rows: int = 96, dropout: float = 0.1, options: Mapping[str, Any] | None = None, every: int = 2,
             interrupted: Callable[[], bool] = lambda: False, hooks: Sequence[Any] = ()) -> loop.Training:
    """A loop over the miniature called `kind` (bert, vit, timm_vit; tags, answers), on as many processes as were launched.

    Adapters and freezing are taken from the settings, as in a run; `options` are settings of the task.
    """
    accelerator = Accelerator(cpu=True)
    torch.set_num_threads(1)
    set_seed(SEED)
    backbone = folder / kind
    if accelerator.is_main_process and not backbone.is_dir():
        tiny.write("bert" if kind in IN_WINDOWS else kind, backbone, words=WORDS, dropout=dropout)
    accelerator.wait_for_everyone()
    task: Any
    if kind in IN_WINDOWS:
        task = IN_WINDOWS[kind]
    elif kind in tiny.TEXT:
        task = TextClassification(labels=("negative", "positive"), **(options or {}))
    else:
        task = ImageClassification(labels=("left", "right"), **(options or {}))
    set_seed(SEED)
    loaded = narrowed(resolve.load(Model(name=str(backbone), family=tiny.family(kind)), task.head, sample=False), train)
    examples, validation = (Examples(table, task, loaded.processor) for table in (rows(kind, num_rows, every=every), rows(kind, 40, seed=9)))
    model, optimizer = sharding.prepare(accelerator, loaded.model, optim.optimizer(loaded.model, train))
    targets = None if kind in IN_WINDOWS else examples.targets()
    micro = train.micro_batch if isinstance(train.micro_batch, int) else train.batch
    set_seed(SEED + accelerator.process_index)
    feed = Feed(examples, examples.lengths(), train.batch, micro, SEED, accelerator.process_index, accelerator.num_processes,
                targets if train.sampler == "balanced" else None)
    return loop.Training(
        fitting=Fitting(model, optimizer, accelerator, objective.of(train, task, targets), train.clip), feed=feed, validation=validation,
        plan=Plan.of(train, num_rows), train=train, checkpoints=folder / "checkpoints",
        hooks=(LogFile(folder / "log.jsonl"), *hooks), interrupted=interrupted,
    )


def narrowed(loaded: Loaded, train: Train) -> Loaded:
    """With adapters, or frozen below, where the settings say so."""
    if train.adapter is not None:
        return adapters.attach(loaded, train.adapter)
    return loaded if train.freeze == "none" else freeze.freeze(loaded, train.freeze)


def steps(count: int, *, batch: int = 32, micro_batch: int = 32, lr: float = 1e-3) -> Train:
    """Settings for a run of `count` steps."""
    return Train(length=Steps(count), batch=batch, micro_batch=micro_batch, lr=lr, evaluate_every=Steps(1000), patience=0)


def epochs(count: int, **options: Any) -> Train:
    """Settings for a run of `count` epochs, evaluated after each."""
    return Train(length=Epochs(count), batch=16, micro_batch=8, lr=1e-3, patience=0, **options)
