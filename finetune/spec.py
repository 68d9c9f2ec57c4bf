"""Frozen values that describe a run; standard library only. A recipe is a `Recipe`, an override makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from finetune.contracts import Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Hub:
    """A data set on the Hugging Face Hub and how its names map to ours."""

    name: str
    """Repository, as in `stanfordnlp/sst2`."""
    subset: str | None = None
    """Configuration of the data set, where it has several."""
    revision: str | None = None
    """Commit; None takes the newest and records it."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Role to column, where the two differ."""
    splits: Mapping[str, str] = field(default_factory=lambda: {"train": "train"})
    """Our split to theirs; a missing validation or test split is held out of train."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """The user's own rows: a table, or for images a folder or zip."""

    train: str | None = None
    """A table; a folder, zip or 'pattern*' of tables, or of text files named by label; pictures as CLASS/file."""
    validation: str | None = None
    """Same formats; without it 10 % of the training rows are held out."""
    test: str | None = None
    """Same formats; without it 10 % of the training rows are held out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """What is held out where the data bring no split of their own: stratified, by group, or the newest rows."""

    validation: float = 0.1
    """Share of the rows, between 0.01 and 0.5; everything is chosen on it."""
    test: float = 0.1
    """Share of the rows, between 0.01 and 0.5; read once, at the end."""
    file: str | None = None
    """data/split.jsonl of an earlier run: rows that it knows keep their side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """Where the rows come from."""

    hub: Hub
    """The recipe's public data set."""
    sample: str
    """A small data set that ships with the package: a name in `finetune/data/samples`."""
    source: Literal["auto", "hub", "files", "sample"] = "auto"
    """auto: files if given, else the Hub if it can be reached, else the sample."""
    files: Files = Files()
    """Paths of the user's own rows."""
    images: str | None = None
    """Folder or zip in which the image names of a table are found."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Role to column of your files: its name, or its number without a header; `group` and `time` rule the split."""
    quotes: Literal["auto", "csv", "literal"] = "auto"
    """csv: quotes enclose cells of CSV and TSV; literal: they are text; auto is csv, but stops where it loses lines."""
    encoding: str = "auto"
    """Of text files, such as cp1251; auto takes UTF-8, UTF-16 with a byte order mark, single lines as Windows-1252."""
    split: Split = Split()
    """Shares to hold out."""
    max_rows: int | Literal["auto", "all"] = "auto"
    """Training rows at most, stratified; auto is 5,000 of a Hub data set without an accelerator, else all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The pretrained backbone."""

    name: str
    """Hub repository, timm architecture, or a local folder."""
    family: str = "hf"
    """The loader: a file in `finetune/backbones` (hf, timm)."""
    revision: str | None = None
    """Commit; None takes the newest and records it."""
    offline: str | None = None
    """Weights from a package, used when the Hub cannot be reached: all-MiniLM-L6-v2."""
    random: bool = False
    """Random weights instead of pretrained ones."""
    sample: str | None = None
    """Architecture with random weights that trains on the sample, where no small pretrained one fits."""
    sample_size: int | None = None
    """Side in pixels of the input of `sample`; none takes the backbone's own, or twice the side of small pictures."""


@dataclass(frozen=True, slots=True)
class Steps:
    """A length in optimizer steps."""

    n: int


@dataclass(frozen=True, slots=True)
class Epochs:
    """A length in passes over the training rows."""

    n: float


@dataclass(frozen=True, slots=True)
class Rows:
    """A length in training rows seen."""

    n: int


Length = Steps | Epochs | Rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """Small matrices beside the frozen layers of the backbone, merged into them at the end."""

    rank: int = 8
    """Width of the matrices, 1 or more; a wider adapter can learn more and costs more."""
    alpha: float = 16
    """Strength: the adapter's output is multiplied by alpha / rank, with rslora by alpha / sqrt(rank)."""
    dropout: float = 0.0
    """Share of an adapter's inputs left out in training, 0 to below 1."""
    method: Literal["lora", "rslora", "dora"] = "lora"
    """lora; rslora for high ranks; dora also trains the length of every output's weights, and is slower."""
    targets: Literal["auto"] | tuple[str, ...] = "auto"
    """Ends of layer names; auto takes every linear layer of the blocks, or the convolutions where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Train:
    """How the weights are fitted."""

    length: Length = Epochs(3)
    """How long to train: 3epochs, 500steps or 10000rows."""
    batch: int = 32
    """Rows per optimizer step, over all processes and micro-batches."""
    micro_batch: int | Literal["auto"] = "auto"
    """Rows per forward pass and process; auto is 32 or the process's share of the batch, if that is smaller."""
    lr: float = 5e-5
    """Peak learning rate."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """Shape of the decay after the warm-up."""
    warmup: float = 0.1
    """Share of the steps over which the rate rises to its peak, 0 to 1."""
    weight_decay: float = 0.01
    """AdamW decay of matrices; biases and norms are never decayed."""
    clip: float = 1.0
    """Largest gradient norm; 0 never clips."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto times the model's own step and takes bf16 only where it is faster."""
    threads: int | Literal["auto"] = "auto"
    """CPU threads; auto times one against all and takes the faster."""
    evaluate_every: Length = Epochs(1)
    """How often to score the validation rows and save a checkpoint."""
    class_weights: Literal["none", "balanced", "effective"] = "none"
    """balanced gives every label the same total weight; effective raises rare ones less (effective number of rows)."""
    loss: Literal["cross_entropy", "focal", "logit_adjusted"] = "cross_entropy"
    """focal concentrates on hard rows; logit_adjusted learns what tells labels apart, not how frequent they are."""
    sampler: Literal["all", "balanced"] = "all"
    """all draws every row once per epoch; balanced draws as many rows, equally many of every label."""
    patience: int = 3
    """Evaluations without a better score before training stops early; 0 never stops."""
    adapter: Lora | None = None
    """lora trains small adapters and the head instead of all weights; none trains without adapters."""
    freeze: Literal["none", "embeddings", "backbone"] | int = "none"
    """embeddings: those, or the stem; a number: that many of the lowest blocks too; backbone: all but the head."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Int8Dynamic:
    """Weights as int8, activations scaled as they pass: for networks made of matrix products."""

    per_channel: bool = True
    """One scale for every output channel instead of one per matrix: more accurate, and hardly slower."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Int8Static:
    """Weights and activations as int8, ranges measured on training rows: for networks made of convolutions."""

    per_channel: bool = True
    """One scale for every output channel instead of one per kernel: more accurate, and hardly slower."""
    ranges: Literal["minmax", "entropy", "percentile"] = "minmax"
    """How far an activation may reach: minmax covers all that was measured, the others leave out the extremes."""
    rows: int | Literal["auto"] = "auto"
    """Training rows on which the ranges are measured, 1 or more; auto is 128, or all where they are fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What is written for deployment and when it is refused."""

    quantize: Int8Dynamic | Int8Static | None = Int8Dynamic()
    """int8_dynamic for transformers, int8_static for convolutions, or none for the fp32 model alone."""
    optimize: Literal["none", "O1", "O2", "O3"] = "O2"
    """Also write a graph for ONNX Runtime: O1 folds constants, O2 also fuses layers, O3 also approximates GELU."""
    target: Literal["auto", "cpu-amx", "cpu-vnni", "cpu-avx2", "arm64", "cuda"] = "auto"
    """Processor that the model will run on, which decides how int8 is written; auto is this machine's, cuda is fp16."""
    rescue: bool = True
    """Whether to search, on training rows, for an int8 form that passes where the first one fails."""
    max_score_drop: float = 0.01
    """Loss of the primary score on validation above which a smaller model is withheld, 0 to 1."""
    opset: int = 17
    """ONNX operator set, 14 to 20."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One run, from rows to a checked model."""

    task: Task
    """What is learnt: a value from `finetune/tasks`."""
    data: Data
    """Where the rows come from."""
    model: Model
    """The backbone."""
    clean: Mapping[str, str] = field(default_factory=dict)
    """Rule to policy (off, report, fix, drop, fail), where it differs from the rule's default."""
    train: Train = Train()
    """How the weights are fitted."""
    export: Export = Export()
    """What is written for deployment."""
    seed: int = 13
    """The one seed of split, order, augmentation, dropout and new weights."""
    output_dir: str = "runs"
    """Folder that holds all runs."""
