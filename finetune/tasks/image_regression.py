"""A number for a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from finetune.contracts import Batch, Draw, Example, Examples, Head, LossSum, Row
from finetune.data import targets
from finetune.data.augment import mix, pictures
from finetune.data.batch import of_pictures, with_targets

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Columns
    from finetune.data.pixels import ImageProcessor


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRegression:
    """Picture to a number; it is learnt with a mean of 0 and a spread of 1, and told in its own unit."""

    image_size: int | None = None
    """Side of the input in pixels; none takes the backbone's own, with random weights twice that of small pictures."""
    augmentations: tuple[str, ...] = ("shift", "flip")
    """Random changes to training pictures, in order: shift, flip, vertical_flip, noise, erase, crop, rotate, color,
    blur, trivial, randaugment; none switches them off."""
    mean: float = field(default=0.0, metadata={"learnt": True})
    """Of the training rows' numbers."""
    spread: float = field(default=1.0, metadata={"learnt": True})
    """Their standard deviation."""

    roles: ClassVar[Mapping[str, str]] = {"image": "image", "label": "number"}
    target: ClassVar[str] = "label"
    onnx_task: ClassVar[str] = "image-classification"
    primary: ClassVar[str] = "r2"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        mixing = [name for name in self.augmentations if name in mix.CHANGES]
        found = [f"task.augmentations: {' and '.join(mixing)} mix labels, and this task learns a number. Leave it out."
                 ] if mixing else []
        return found + pictures.size_problems(self.image_size) + pictures.problems(self.augmentations, None)

    @property
    def head(self) -> Head:
        """One output."""
        return Head("AutoModelForImageClassification", ("value",), "regression", self.image_size)

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """Mean and spread of the numbers."""
        mean, spread = targets.spread(splits, "label")
        return replace(self, mean=mean, spread=spread)

    def encode(self, rows: Sequence[Row], processor: ImageProcessor) -> list[Example]:
        """Normalised pixels, and the target where the row has a number."""
        import numpy as np

        examples = processor.encode([row["image"] for row in rows])
        return with_targets(examples, rows, np.float32)

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """The pixels after every change."""
        example = examples[draw.row]
        pixels = pictures.changed(example["pixel_values"], self.augmentations, draw, processor=examples.processor)
        return {**example, "pixel_values": pixels}

    def length(self, example: Example) -> int:  # noqa: ARG002  # as the protocol has it
        """All pictures cost the same."""
        return 1

    def collate(self, examples: Sequence[Example], processor: ImageProcessor) -> Batch:  # noqa: ARG002  # as above
        """Pixels stacked to (rows, 3, size, size)."""
        return of_pictures(examples)

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
        """R2, which is 0 for the mean, mean absolute and squared error, and Pearson's and Spearman's correlation."""
        from finetune.metrics import regression

        return regression.scores(columns["target"], columns["prediction"])

    def calibrated(self, columns: Columns) -> Self:  # noqa: ARG002  # as the protocol has it
        """Nothing is chosen after training."""
        return self

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:
        """The mean."""
        from finetune.metrics import baselines

        found = baselines.of_numbers(train, rows, texts=[], seed=seed)
        return {name: {"prediction": prediction} for name, prediction in found.items()}

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """`value`."""
        from finetune.metrics import regression

        return regression.answers(columns)

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The pictures whose number is furthest off."""
        from finetune.metrics import regression

        return regression.mistakes(columns, number)
