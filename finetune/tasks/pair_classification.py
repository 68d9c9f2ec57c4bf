"""One label for a pair of texts, such as whether they mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from finetune.contracts import Batch, Draw, Example, Examples, Head, LossSum, Row
from finetune.data import labels, token_limits
from finetune.data.batch import of_texts, with_targets

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Columns
    from finetune.data.text import TextProcessor


@dataclass(frozen=True, kw_only=True, slots=True)
class PairClassification:
    """Two texts to one of two or more labels."""

    labels: Literal["auto"] | tuple[str, ...] = "auto"
    """auto takes the labels of the training rows; a list fixes their order."""
    primary: Literal["accuracy", "f1_macro", "f1_weighted"] = "accuracy"
    """Score that everything is chosen by; macro F1 gives every label the same weight."""
    max_tokens: int = 128
    """Longer pairs are cut there, special tokens included, the longer text first; the run reports how many."""

    temperature: float = field(default=1.0, metadata={"learnt": True})
    """What logits are divided by, so that a probability of 0.8 is right in 80 %; learnt from the validation rows."""

    roles: ClassVar[Mapping[str, str]] = {"text_a": "text", "text_b": "text", "label": "label"}
    target: ClassVar[str] = "label"
    onnx_task: ClassVar[str] = "text-classification"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        return labels.problems(self.labels) + token_limits.of_pairs(self.max_tokens)

    @property
    def head(self) -> Head:
        """A classifier over the labels."""
        return Head("AutoModelForSequenceClassification", tuple(self.labels), "single_label_classification")

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """The labels in their order."""
        return replace(self, labels=labels.resolve_labels(splits, self.labels))

    def encode(self, rows: Sequence[Row], processor: TextProcessor) -> list[Example]:
        """Token ids of both texts as one sequence, and the target where the row has a label."""
        target = {name: position for position, name in enumerate(self.labels)}
        examples = processor.encode_pairs([(row["text_a"], row["text_b"]) for row in rows], self.max_tokens)
        return with_targets(examples, rows, target.__getitem__)

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """The pair as it is: a changed word changes whether two texts say the same."""
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
        """Cross-entropy, summed over rows."""
        from torch.nn.functional import cross_entropy

        return LossSum(cross_entropy(output["logits"].float(), batch.targets["target"], reduction="sum"), batch.rows)

    def predict(self, output: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """`probabilities` (rows, labels), `prediction` and, where known, `target`."""
        from finetune.metrics import classification

        return {**classification.predicted(output["logits"], self.temperature), **batch.targets}

    def score(self, columns: Columns) -> dict[str, Any]:
        """Accuracy, precision, recall and F1: macro, weighted and per label."""
        from finetune.metrics import classification

        return classification.scores(columns["target"], columns["prediction"], self.labels)

    def calibrated(self, columns: Columns) -> Self:
        """The temperature under which the targets are most likely; predictions stay as they are."""
        from finetune.metrics import calibration

        fitted = calibration.fit_temperature(columns["probabilities"], columns["target"])
        return replace(self, temperature=self.temperature * fitted)

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:
        """The most frequent label, and a linear model of what the two texts share."""
        from finetune.metrics import baselines

        found = baselines.of_labels(train, rows, labels=self.labels, texts=["text_a", "text_b"], seed=seed)
        return {name: {"prediction": prediction} for name, prediction in found.items()}

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """`label`, and `probabilities` by label, most likely first."""
        from finetune.metrics import classification

        return classification.answers(columns, self.labels)

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The most confident of the wrong rows."""
        from finetune.metrics import classification

        return classification.mistakes(columns, self.labels, number)
