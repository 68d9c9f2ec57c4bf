"""One label for a text."""

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


TOP = 3  # labels of a row among which the right one counts as found, where there are more


@dataclass(frozen=True, kw_only=True, slots=True)
class TextClassification:
    """Text to one of two or more labels."""

    labels: Literal["auto"] | tuple[str, ...] = "auto"
    """auto takes the labels of the training rows; a list fixes their order."""
    positive: str | None = None
    """The one of two labels that is looked for, such as spam: it is scored by itself and can have a threshold."""
    threshold: Literal["argmax", "f1"] | float = "argmax"
    """Probability from which a text is positive: a number, or f1 for the best on validation; argmax is a half."""
    primary: Literal["accuracy", "f1_macro", "f1_weighted", "f1", "average_precision"] = "accuracy"
    """Score that everything is chosen by; f1 and average_precision (the area under precision over recall) are those of
    task.positive."""
    max_tokens: int = 128
    """Longer texts are cut there, special tokens included; the run reports how many."""
    augmentations: tuple[str, ...] = ()
    """Random changes to training texts, in order: typos, drop_words, swap_words, synonyms; none switches them off."""
    # A place on the machine that trains, which no model folder needs to know.
    synonyms: str | None = field(default=None, metadata={"saved": False})
    """File for synonyms: one group of words a line, separated by commas."""
    temperature: float = field(default=1.0, metadata={"learnt": True})
    """What logits are divided by, so that a probability of 0.8 is right in 80 %; learnt from the validation rows."""

    roles: ClassVar[Mapping[str, str]] = {"text": "text", "label": "label"}
    target: ClassVar[str] = "label"
    onnx_task: ClassVar[str] = "text-classification"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        found = labels.problems(self.labels) + labels.positive_problems(
            self.positive, self.labels, threshold=self.threshold, primary=self.primary)
        return [*found, *token_limits.of_texts(self.max_tokens), *texts.problems(self.augmentations, self.synonyms)]

    @property
    def head(self) -> Head:
        """A classifier over the labels."""
        return Head("AutoModelForSequenceClassification", tuple(self.labels), "single_label_classification")

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """The labels in their order."""
        names = labels.resolve_labels(splits, self.labels)
        labels.check_positive(self.positive, names)
        return replace(self, labels=names)

    def encode(self, rows: Sequence[Row], processor: TextProcessor) -> list[Example]:
        """Token ids, and the target where the row has a label."""
        target = {name: position for position, name in enumerate(self.labels)}
        examples = processor.encode([row["text"] for row in rows], self.max_tokens)
        return with_targets(examples, rows, target.__getitem__)

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
        """Token ids padded to the longest text of the batch."""
        return of_texts(examples, processor)

    def count(self, batch: Batch) -> int:
        """Rows."""
        return batch.rows

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """Cross-entropy, summed over rows."""
        from torch.nn.functional import cross_entropy

        return LossSum(cross_entropy(output["logits"].float(), batch.targets["target"], reduction="sum"), batch.rows)

    def predict(self, output: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """`probabilities` (rows, labels), `prediction`, of many labels the `top` ones and, where known, `target`."""
        from finetune.metrics import classification

        found = classification.predicted(output["logits"], self.temperature)
        return {**found, **self._above(found["probabilities"]), **self._top(found["probabilities"]), **batch.targets}

    def _top(self, probabilities_BC: Array) -> dict[str, Array]:
        from finetune.metrics import classification

        return {"top": classification.likeliest(probabilities_BC, TOP)} if len(self.labels) > TOP else {}

    def _above(self, probabilities_BC: Array) -> dict[str, Array]:
        """The `prediction` by the threshold, where there is one."""
        from finetune.metrics import detection

        if self.positive is None or isinstance(self.threshold, str):
            return {}
        target = self.labels.index(self.positive)
        return {"prediction": detection.predicted(probabilities_BC, target, self.threshold)}

    def score(self, columns: Columns) -> dict[str, Any]:
        """Accuracy, precision, recall and F1: macro, weighted and per label; and how the positive label is found.

        `top_3` is the share of rows whose label is among the three most likely ones, where there are more.
        """
        from finetune.metrics import classification, detection

        found = classification.scores(columns["target"], columns["prediction"], self.labels)
        if len(self.labels) > TOP:
            found["top_3"] = float((columns["top"] == columns["target"][:, None]).any(axis=1).mean())
        if self.positive is None:
            return found
        cut = 0.0 if isinstance(self.threshold, str) else detection.margin(self.threshold, self.temperature)
        return found | detection.scores(columns, self.labels.index(self.positive), found["per_class"], margin=cut)

    def calibrated(self, columns: Columns) -> Self:
        """The temperature under which the targets are most likely, and where it is left to it the best threshold."""
        from finetune.metrics import calibration, ranking

        fitted = calibration.fit_temperature(columns["probabilities"], columns["target"])
        found = replace(self, temperature=self.temperature * fitted)
        if self.threshold != "f1" or self.positive is None:
            return found
        target = self.labels.index(self.positive)
        chances = calibration.tempered(columns["probabilities"], fitted)[:, target]
        return replace(found, threshold=ranking.best_threshold(columns["target"] == target, chances))

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:
        """The most frequent label, and a linear model of TF-IDF."""
        from finetune.metrics import baselines

        found = baselines.chances(train, rows, labels=self.labels, texts=["text"], seed=seed)
        return {name: {"probabilities": shares, "prediction": shares.argmax(axis=1), **self._top(shares)}
                for name, shares in found.items()}

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """`label`, and `probabilities` by label, most likely first."""
        from finetune.metrics import classification

        return classification.answers(columns, self.labels)

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The most confident of the wrong rows."""
        from finetune.metrics import classification

        return classification.mistakes(columns, self.labels, number)
