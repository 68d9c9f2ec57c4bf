"""A number for a pair of texts, such as how alike they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from finetune.contracts import Batch, Draw, Example, Examples, Head, LossSum, Row
from finetune.data import targets, token_limits
from finetune.data.batch import of_texts, with_targets

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Columns
    from finetune.data.text import TextProcessor


@dataclass(frozen=True, kw_only=True, slots=True)
class PairRegression:
    """Two texts to a number; it is learnt with a mean of 0 and a spread of 1, and told in its own unit."""

    max_tokens: int = 128
    """Longer pairs are cut there, special tokens included, the longer text first; the run reports how many."""
    mean: float = field(default=0.0, metadata={"learnt": True})
    """Of the training rows' numbers."""
    spread: float = field(default=1.0, metadata={"learnt": True})
    """Their standard deviation."""

    roles: ClassVar[Mapping[str, str]] = {"text_a": "text", "text_b": "text", "label": "number"}
    target: ClassVar[str] = "label"
    onnx_task: ClassVar[str] = "text-classification"
    primary: ClassVar[str] = "pearson"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        return token_limits.of_pairs(self.max_tokens)

    @property
    def head(self) -> Head:
        """One output."""
        return Head("AutoModelForSequenceClassification", ("value",), "regression")

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """Mean and spread of the numbers."""
        mean, spread = targets.spread(splits, "label")
        return replace(self, mean=mean, spread=spread)

    def encode(self, rows: Sequence[Row], processor: TextProcessor) -> list[Example]:
        """Token ids of both texts as one sequence, and the target where the row has a number."""
        import numpy as np

        examples = processor.encode_pairs([(row["text_a"], row["text_b"]) for row in rows], self.max_tokens)
        return with_targets(examples, rows, np.float32)

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """The pair as it is: a changed word changes how alike two texts are."""
        return examples[draw.row]

    def length(self, example: Example) -> int:
        """Tokens."""
        return len(example["input_ids"])

    def collate(self, examples: Sequence[Example], processor: TextProcessor) -> Batch:
        """Token ids padded to the longest pair of the batch."""
        return of_texts(examples, processor)

    def count(self, batch: Batch) -> int:
        """Rows."""
        return batch.rows

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """Squared error in units of the spread, summed over rows."""
        wanted = ((batch.targets["target"] - self.mean) / self.spread).float()
        return LossSum(((output["logits"].float().squeeze(-1) - wanted) ** 2).sum(), batch.rows)

    def predict(self, output: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """`prediction` in the unit of the training rows and, where known, `target`."""
        return {"prediction": output["logits"][:, 0].astype("float64") * self.spread + self.mean, **batch.targets}

    def score(self, columns: Columns) -> dict[str, Any]:
        """Pearson's and Spearman's correlation, mean absolute and squared error, and R2."""
        from finetune.metrics import regression

        return regression.scores(columns["target"], columns["prediction"])

    def calibrated(self, columns: Columns) -> Self:  # noqa: ARG002  # as the protocol has it
        """Nothing is chosen after training."""
        return self

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:
        """The mean, and a linear model of what the two texts share."""
        from finetune.metrics import baselines

        found = baselines.of_numbers(train, rows, texts=["text_a", "text_b"], seed=seed)
        return {name: {"prediction": prediction} for name, prediction in found.items()}

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """`value`."""
        from finetune.metrics import regression

        return regression.answers(columns)

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The pairs whose number is furthest off."""
        from finetune.metrics import regression

        return regression.mistakes(columns, number)
