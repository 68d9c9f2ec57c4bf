"""Any number of labels for a picture, none among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from finetune.contracts import Batch, Draw, Example, Examples, Head, LossSum, Row
from finetune.data import labels
from finetune.data.augment import mix, pictures
from finetune.data.batch import of_pictures, with_targets

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Columns
    from finetune.data.pixels import ImageProcessor


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiLabelImageClassification:
    """Picture to any number of labels."""

    labels: Literal["auto"] | tuple[str, ...] = "auto"
    """auto takes the labels of the training rows; a list fixes their order."""
    thresholds: Literal["auto"] | tuple[float, ...] = "auto"
    """Probability from which a picture has a label: one for all, or one each; auto has the best F1 on validation."""
    primary: Literal["map", "f1_micro", "f1_macro", "subset_accuracy"] = "map"
    """Score that everything is chosen by; mean average precision (map) does not depend on thresholds."""
    image_size: int | None = None
    """Side of the input in pixels; none takes the backbone's own, with random weights twice that of small pictures."""
    augmentations: tuple[str, ...] = ("shift", "flip")
    """Random changes to training pictures, in order: shift, flip, vertical_flip, noise, erase, crop, rotate, color,
    blur, trivial, randaugment; none switches them off."""

    roles: ClassVar[Mapping[str, str]] = {"image": "image", "label": "labels"}
    target: ClassVar[str] = "label"
    onnx_task: ClassVar[str] = "image-classification"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        found = [*labels.problems(self.labels), *labels.threshold_problems(self.thresholds, self.labels),
                 *pictures.size_problems(self.image_size)]
        if mixing := [name for name in self.augmentations if name in mix.CHANGES]:
            found.append(f"task.augmentations: {' and '.join(mixing)} mix pictures that have one label each. Leave "
                         "them out.")
            return found
        return found + pictures.problems(self.augmentations, None)

    @property
    def head(self) -> Head:
        """A yes or no for each of the labels."""
        return Head("AutoModelForImageClassification", tuple(self.labels), "multi_label_classification",
                    self.image_size)

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """The labels in their order."""
        names = labels.resolve_labels(splits, self.labels)
        return replace(self, labels=names, thresholds=labels.one_each(self.thresholds, names))

    def encode(self, rows: Sequence[Row], processor: ImageProcessor) -> list[Example]:
        """Normalised pixels, and 0 or 1 for each label where the row has a list of them."""
        examples = processor.encode([row["image"] for row in rows])
        return with_targets(examples, rows, lambda names: labels.multi_hot(names, self.labels))

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """The pixels after every change."""
        example = examples[draw.row]
        pixels = pictures.changed(example["pixel_values"], self.augmentations, draw, processor=examples.processor)
        return {**example, "pixel_values": pixels}

    def length(self, example: Example) -> int:  # noqa: ARG002  # as the protocol has it
        """All pictures cost the same."""
        return 1

    def collate(self, examples: Sequence[Example], processor: ImageProcessor) -> Batch:  # noqa: ARG002  # as above
        """Pixels stacked to (rows, 3, size, size); targets are (rows, labels)."""
        return of_pictures(examples)

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
        """What most rows have of each label."""
        from finetune.metrics import baselines

        found = baselines.of_label_lists(train, rows, labels=self.labels, texts=[], seed=seed)
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
