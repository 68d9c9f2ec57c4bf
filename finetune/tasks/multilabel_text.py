"""Any number of labels for a text, none among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from finetune.contracts import Batch, Draw, Example, Examples, Head, LossSum, Row
from finetune.data import labels, token_limits
from finetune.data.augment import texts
from finetune.data.batch import of_texts, with_targets

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Columns
    from finetune.data.text import TextProcessor


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiLabelTextClassification:
    """Text to any number of labels."""

    labels: Literal["auto"] | tuple[str, ...] = "auto"
    """auto takes the labels of the training rows; a list fixes their order."""
    thresholds: Literal["auto"] | tuple[float, ...] = "auto"
    """Probability from which a text has a label: one for all, or one each; auto has the best F1 on validation."""
    primary: Literal["map", "f1_micro", "f1_macro", "subset_accuracy"] = "map"
    """Score that everything is chosen by; mean average precision (map) does not depend on thresholds."""
    max_tokens: int = 128
    """Longer texts are cut there, special tokens included; the run reports how many."""
    augmentations: tuple[str, ...] = ()
    """Random changes to training texts, in order: typos, drop_words, swap_words, synonyms; none switches them off."""
    # A place on the machine that trains, which no model folder needs to know.
    synonyms: str | None = field(default=None, metadata={"saved": False})
    """File for synonyms: one group of words a line, separated by commas."""

    roles: ClassVar[Mapping[str, str]] = {"text": "text", "label": "labels"}
    target: ClassVar[str] = "label"
    onnx_task: ClassVar[str] = "text-classification"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        found = labels.problems(self.labels) + labels.threshold_problems(self.thresholds, self.labels)
        return [*found, *token_limits.of_texts(self.max_tokens), *texts.problems(self.augmentations, self.synonyms)]

    @property
    def head(self) -> Head:
        """A yes or no for each of the labels."""
        return Head("AutoModelForSequenceClassification", tuple(self.labels), "multi_label_classification")

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """The labels in their order."""
        names = labels.resolve_labels(splits, self.labels)
        return replace(self, labels=names, thresholds=labels.one_each(self.thresholds, names))

    def encode(self, rows: Sequence[Row], processor: TextProcessor) -> list[Example]:
        """Token ids, and 0 or 1 for each label where the row has a list of them."""
        examples = processor.encode([row["text"] for row in rows], self.max_tokens)
        return with_targets(examples, rows, lambda names: labels.multi_hot(names, self.labels))

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """The text after every change, encoded anew."""
        if not self.augmentations:
            return examples[draw.row]
        row = examples.row(draw.row)
        text = texts.changed(row["text"], self.augmentations, draw, synonyms=self.synonyms)
        return self.encode([{**row, "text": text}], examples.processor)[0]

    def length(self, example: Example) -> int:
        """Tokens."""
        return len(example["input_ids"])

    def collate(self, examples: Sequence[Example], processor: TextProcessor) -> Batch:
        """Token ids padded to the longest text of the batch; targets are (rows, labels)."""
        return of_texts(examples, processor)

    def count(self, batch: Batch) -> int:
        """Decisions: rows times labels."""
        return batch.rows * len(self.labels)

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """Binary cross-entropy, summed over rows and labels."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        logits_BL, target_BL = output["logits"].float(), batch.targets["target"].float()
        return LossSum(binary_cross_entropy_with_logits(logits_BL, target_BL, reduction="sum"), self.count(batch))

    def predict(self, output: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """`probabilities` and `prediction` (0 or 1) of shape (rows, labels) and, where known, `target`."""
        from finetune.metrics import multilabel

        return {**multilabel.predicted(output["logits"], self.thresholds), **batch.targets}

    def score(self, columns: Columns) -> dict[str, Any]:
        """Mean average precision, F1 (micro, macro), rows with all labels right, wrong decisions; and per label."""
        from finetune.metrics import multilabel

        return multilabel.scores(columns, self.labels, self.thresholds)

    def calibrated(self, columns: Columns) -> Self:
        """With the thresholds that are best for F1 on these rows, where they are left to it."""
        from finetune.metrics import multilabel

        if self.thresholds != "auto":
            return self
        return replace(self, thresholds=multilabel.thresholds(columns["target"], columns["probabilities"]))

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:
        """What most rows have of each label, and a linear model of TF-IDF for each."""
        from finetune.metrics import baselines

        found = baselines.of_label_lists(train, rows, labels=self.labels, texts=["text"], seed=seed)
        return {name: {"probabilities": shares, "prediction": (shares >= 0.5).astype(int)}
                for name, shares in found.items()}

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """`labels`, none as an empty list, and `probabilities` by label, most likely first."""
        from finetune.metrics import multilabel

        return multilabel.answers(columns, self.labels)

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The rows with the most confident wrong decision."""
        from finetune.metrics import multilabel

        return multilabel.mistakes(columns, self.labels, number)
