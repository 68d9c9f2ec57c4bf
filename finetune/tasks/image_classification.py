"""One label for a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from finetune.contracts import Batch, Example, Head, Labels, LossSum, Row
from finetune.data import labels
from finetune.data.augment import CHANGES
from finetune.data.batch import stack
from finetune.errors import nearest

if TYPE_CHECKING:
    import numpy as np

    from finetune.contracts import Array, Columns
    from finetune.data.pixels import ImageProcessor

MIN_SIZE = 8  # pixels; `shift` moves by an eighth of the side


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageClassification:
    """Picture to one of two or more labels."""

    labels: Literal["auto"] | tuple[str, ...] = "auto"
    """auto takes the labels of the training rows; a list fixes their order."""
    image_size: int | None = None
    """Side of the input in pixels; none is the backbone's own, or with random weights twice that of small pictures."""
    augmentations: tuple[str, ...] = ("shift", "flip")
    """Random changes to training pictures, in order: shift, flip; none switches them off."""

    roles: ClassVar[Mapping[str, str]] = {"image": "image", "label": "label"}
    onnx_task: ClassVar[str] = "image-classification"
    primary: ClassVar[str] = "accuracy"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        found = labels.problems(self.labels)
        if self.image_size is not None and self.image_size < MIN_SIZE:
            found.append(f"task.image_size: {self.image_size} found, at least {MIN_SIZE} pixels are needed. Use 224.")
        return found + [
            f"task.augmentations: there is no augmentation {name!r}. Allowed: {', '.join(CHANGES)}, or none."
            f"{nearest(name, CHANGES)}"
            for name in dict.fromkeys(self.augmentations) if name not in CHANGES
        ]

    @property
    def head(self) -> Head:
        """A classifier over the labels."""
        return Head("AutoModelForImageClassification", Labels(tuple(self.labels)), "single_label_classification",
                    self.image_size)

    def encode(self, rows: Sequence[Row], processor: ImageProcessor) -> list[Example]:
        """Normalised pixels, and the target where the row has a label."""
        target = {name: position for position, name in enumerate(self.labels)}
        examples = processor.encode([row["image"] for row in rows])
        return [example | {"target": target[row["label"]]} if row.get("label") is not None else example
                for example, row in zip(examples, rows, strict=True)]

    def augment(self, example: Example, random: np.random.Generator) -> Example:
        """The pixels after every augmentation."""
        pixels = example["pixel_values"]
        for name in self.augmentations:
            pixels = CHANGES[name](pixels, random)
        return {**example, "pixel_values": pixels}

    def length(self, example: Example) -> int:  # noqa: ARG002  # as the protocol has it
        """All pictures cost the same."""
        return 1

    def collate(self, examples: Sequence[Example], processor: ImageProcessor) -> Batch:  # noqa: ARG002  # as above
        """Pixels stacked to (rows, 3, size, size)."""
        known = all("target" in example for example in examples)
        targets = {"target": stack([example["target"] for example in examples])} if known else {}
        return Batch({"pixel_values": stack([example["pixel_values"] for example in examples])}, targets, len(examples))

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

        probabilities_BC = classification.softmax(output["logits"])
        return {"probabilities": probabilities_BC, "prediction": probabilities_BC.argmax(axis=1), **batch.targets}

    def score(self, columns: Columns) -> dict[str, Any]:
        """Accuracy, precision, recall and F1: macro, weighted and per label."""
        from finetune.metrics import classification

        return classification.scores(columns["target"], columns["prediction"], self.labels)
