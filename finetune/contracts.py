"""The values and protocols that the rooms of the house share. No behaviour beyond look-ups lives here.

Shape letters: B batch, C classes, T tokens; images are BCHW.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]
    Columns = Mapping[str, Array]  # one entry per row in every column

SPLITS = ("train", "validation", "test")  # of every data set, in the order in which they are listed
# Roles that every task takes besides its own: they decide on which side a row stands, and no model sees them.
SPLIT_ROLES: Mapping[str, str] = {"group": "group", "time": "time"}
TARGET = "label"  # the role that most tasks learn, whatever its kind
# Two texts of which it does not matter which comes first; roles of texts where it does have other names.
EITHER_ORDER = ("text_a", "text_b")

Row = Mapping[str, Any]  # raw: {"row": "reviews.csv:12", "text": "...", "label": "positive"}
Example = Mapping[str, Any]  # encoded, numpy
Cell = str | float | None


@dataclass(frozen=True, slots=True)
class Draw:
    """All that chance depends on when a training row is changed: no worker, process or neighbour has a say."""

    seed: int
    epoch: int
    row: int  # position among the training rows
    visit: int = 0  # how often the row has come before in this epoch

    def stream(self, purpose: str) -> np.random.Generator:
        """The random numbers of one purpose; taking another up leaves them as they were."""
        import zlib

        import numpy as np

        return np.random.default_rng((self.seed, self.epoch, self.row, zlib.crc32(purpose.encode()), self.visit))


class Examples(Protocol):
    """The rows of one split, raw and encoded."""

    processor: Any

    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> Example: ...

    def row(self, position: int) -> Row:
        """The raw row."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a text is written token by token; lengths count special tokens, but not the start."""

    num_beams: int
    max_tokens: int
    min_tokens: int
    length_penalty: float


@dataclass(frozen=True, slots=True)
class Head:
    """All that a backbone loader needs to know of a task; `auto` names the Auto class."""

    auto: str
    labels: tuple[str, ...]  # by target: the one list of names for rows, model and export
    problem: str | None  # as configurations of transformers have it; None where they have no word for it
    size: int | None = None  # side of an image input in pixels, where the task fixes it
    decoding: Decoding | None = None  # of models that write texts


@dataclass(frozen=True, slots=True)
class Batch:
    """Collated examples: `inputs` is what the model sees, `targets` what it never sees."""

    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]
    rows: int
    kept: Mapping[str, Any] = field(default_factory=dict)  # for `predict` alone, as texts; it never goes to a device


class LossSum(NamedTuple):
    """A summed loss and what it sums over; a mean cannot be expressed, so accumulation is exact."""

    total: Any
    count: float  # type: ignore[assignment]  # hides tuple.count, which nobody asks of a loss


class Processor(Protocol):
    """Turns one raw value into the numbers that the backbone was pretrained on."""

    def save(self, folder: Path) -> None:
        """Write the files that restore it, in the format of the Hugging Face ecosystem."""


class Task(Protocol):
    """What is learnt and how it is scored: verbs in the order in which data flows.

    All but `loss` work on numpy arrays, so that training, the export gate and `finetune predict` run the same code;
    only `loss` knows torch. A row is one example whatever becomes of it: long ones hold several windows, a batch of B
    rows then has W >= B lines in `inputs`, and `predict` puts them together again.

    A task that does more than `model(**batch.inputs)` to answer also has `infer(model, batch)`: outputs by name.
    """

    # Role -> kind: text, image, number, label, labels (a list of names), tokens, tags or answers.
    roles: ClassVar[Mapping[str, str]]
    target: ClassVar[str]  # the role that is learnt; the others are what the model sees, in this order
    onnx_task: ClassVar[str]
    greater_is_better: ClassVar[bool]

    @property
    def primary(self) -> str:
        """The score that everything is chosen by."""

    @property
    def head(self) -> Head:
        """The head that the backbone needs."""

    def learn(self, splits: Mapping[str, pa.Table]) -> Task:
        """The task with all that the training rows decide; DataError with every contradiction in the rows."""

    def encode(self, rows: Sequence[Row], processor: Any) -> list[Example]:
        """Rows to examples; rows without a target give examples without one."""

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """Training row `draw.row` as the model sees it in one epoch; the same draw gives the same change."""

    def length(self, example: Example) -> int:
        """What an example costs; examples of like length share a batch."""

    def collate(self, examples: Sequence[Example], processor: Any) -> Batch:
        """Examples to one padded batch of numpy arrays."""

    def count(self, batch: Batch) -> int:
        """What the loss is divided by, known before the backward pass."""

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """The summed loss of a batch of torch tensors."""

    def predict(self, output: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """Columns with one entry per row: `prediction`, where known `target`, and what else a score needs."""

    def score(self, columns: Columns) -> dict[str, Any]:
        """Scores by name, all in [0, 1] or in the task's unit; `primary` is among them."""

    def calibrated(self, columns: Columns) -> Task:
        """The task with all that predictions on validation rows decide, as thresholds; itself where that is nothing."""

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:
        """By name of the baseline, the columns of `predict` that it would have given for `rows`."""

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """What a user is told of every row, in the task's own words; JSON-able."""

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The worst rows, worst first: position, and `label`, `prediction` and `probability` as they are shown."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A backbone with its head: the model, how its inputs are made, and where it came from."""

    model: Any
    processor: Any
    source: str  # folder, cache, hub, offline or random
    name: str
    native: Any  # the library's own processor, saved beside the model so that from_pretrained finds it
    revision: str | None = None
    license: str | None = None
    note: str | None = None  # what the user must know, printed and kept
    settings_from: str = ""  # where those of the processor stand, in words
    fresh: tuple[str, ...] = ()  # names of the weights that the file did not bring: they began at random
    num_weights: int = 0  # backbone and head, without adapters
    num_trained: int = 0


class Hook(Protocol):
    """Looks on while a model trains; never changes its state."""

    def on_start(self, plan: Mapping[str, Any]) -> None:
        """Before the first step."""

    def on_step(self, event: Mapping[str, Any]) -> None:
        """After an optimizer step."""

    def on_eval(self, event: Mapping[str, Any]) -> None:
        """After an evaluation."""

    def on_save(self, event: Mapping[str, Any]) -> None:
        """After a checkpoint is complete on disk."""

    def on_end(self, event: Mapping[str, Any]) -> None:
        """After the last step, early stop and interruption included."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a rule found: parallel tuples, one entry per finding.

    `rows` are positions in the table; `after` is the repaired cell where the rule can repair, else None. `counts` are
    the rule's own sums by kind of finding, such as {"email": 3}; `firsts`, of a rule on copies, the row that each row
    is a copy of. `confidence` says of each finding how sure the rule is of it, 0 to 1, and is empty where a rule cannot
    tell. `details` are what the quality report shows of the training rows besides, by its own keys, JSON-able.
    """

    rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()  # of one cell: "column 'ROLE' ...", where the engine puts the name in the user's file
    before: tuple[Cell, ...] = ()
    after: tuple[Cell, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    firsts: tuple[int, ...] = field(default=(), kw_only=True)
    confidence: tuple[float, ...] = field(default=(), kw_only=True)
    details: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __len__(self) -> int:
        return len(self.rows)


class Rule(Protocol):
    """One kind of dirt. A rule finds, the engine applies the policy and writes the ledger."""

    order: ClassVar[int]  # rules run from the lowest to the highest
    # Kinds of column it reads: text, image, number, label; with features it runs only on rows that are embedded.
    kinds: ClassVar[tuple[str, ...]]
    default: ClassVar[str]  # policy: off, report, fix, drop or fail
    policies: ClassVar[tuple[str, ...]]  # what it can be set to

    def find(self, table: pa.Table, roles: Mapping[str, str]) -> Findings:
        """Every row that has this dirt. `roles` maps column to kind."""


class Embed(Protocol):
    """What rules see of texts and pictures that have to be understood."""

    def __call__(self, rows: pa.Table) -> Array | None:
        """Features of every row, (N, D) float32; None where there are none of any use."""


@runtime_checkable
class Learner(Rule, Protocol):
    """A rule that has to see the training rows first, to know what is usual there."""

    def learn(self, train: pa.Table, roles: Mapping[str, str]) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
        """The `find` for every split of these training rows; `find` alone takes its table for the training rows."""


@runtime_checkable
class Filler(Rule, Protocol):
    """A rule with policies that say what goes into the cells it finds."""

    others: ClassVar[str]  # the policies that are no fixed words, as an error says it

    def accepts(self, policy: str) -> bool:
        """Whether the rule takes this policy."""

    def filling(
        self, policy: str, train: pa.Table, roles: Mapping[str, str]
    ) -> Callable[[pa.Table, Mapping[str, str]], Findings]:
        """The `find` for every split, with what is filled in as `after`."""


@dataclass(slots=True)
class SplitRows:
    """The rows of a data set by split, each an Arrow table with a `row` column (`file:number`)."""

    splits: dict[str, Any] = field(default_factory=dict)  # train, validation, test -> pa.Table
    source: str = ""
    name: str = ""
    revision: str | None = None
    license: str | None = None
    notes: list[str] = field(default_factory=list)
