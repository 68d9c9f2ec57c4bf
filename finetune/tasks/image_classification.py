"""One label for a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
class ImageClassification:
    """Picture to one of two or more labels."""

    labels: Literal["auto"] | tuple[str, ...] = "auto"
    """auto takes the labels of the training rows; a list fixes their order."""
    primary: Literal["accuracy", "f1_macro", "f1_weighted"] = "accuracy"
    """Score that everything is chosen by; macro F1 gives every label the same weight."""
    image_size: int | None = None
    """Side of the input in pixels; none takes the backbone's own, with random weights twice that of small pictures."""
    augmentations: tuple[str, ...] = ("shift", "flip")
    """Random changes to training pictures, in order: shift, flip, vertical_flip, noise, erase, crop, rotate, color,
    blur, trivial, randaugment; mixup and cutmix, of which each row takes one, come last; none switches them off."""
    mix_until: int | None = None
    """Epochs, counted from the first, in which mixup and cutmix are on; none is all of them."""

    temperature: float = field(default=1.0, metadata={"learnt": True})
    """What logits are divided by, so that a probability of 0.8 is right in 80 %; learnt from the validation rows."""

    roles: ClassVar[Mapping[str, str]] = {"image": "image", "label": "label"}
    target: ClassVar[str] = "label"
    onnx_task: ClassVar[str] = "image-classification"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        return [*labels.problems(self.labels), *pictures.size_problems(self.image_size),
                *pictures.problems(self.augmentations, self.mix_until)]

    @property
    def head(self) -> Head:
        """A classifier over the labels."""
        return Head("AutoModelForImageClassification", tuple(self.labels), "single_label_classification",
                    self.image_size)

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """The labels in their order."""
        return replace(self, labels=labels.resolve_labels(splits, self.labels))

    def encode(self, rows: Sequence[Row], processor: ImageProcessor) -> list[Example]:
        """Normalised pixels, and the target where the row has a label."""
        target = {name: position for position, name in enumerate(self.labels)}
        examples = processor.encode([row["image"] for row in rows])
        return with_targets(examples, rows, target.__getitem__)

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """The pixels after every change; mixed with a row drawn at random, the example also has its target as `other`.

        `share` is what the row's own target counts, 0 to 1; the other's has the rest.
        """
        example = self._changed(examples, draw)
        mixing = [name for name in self.augmentations if name in mix.CHANGES]
        if not mixing or (self.mix_until is not None and draw.epoch >= self.mix_until):
            return example
        import numpy as np

        random = draw.stream("mix")
        how = mixing[random.integers(len(mixing))]
        # Not a row of the batch: then the batch, and so the number of processes, would have a say in it.
        partner = int(random.integers(len(examples)))
        other = self._changed(examples, replace(draw, row=partner))
        pixels, share = mix.CHANGES[how](example["pixel_values"], other["pixel_values"], random)
        return {**example, "pixel_values": pixels, "other": other["target"], "share": np.float32(share),
                "partner": partner}

    def _changed(self, examples: Examples, draw: Draw) -> Example:
        example = examples[draw.row]
        pixels = pictures.changed(example["pixel_values"], self.augmentations, draw,
                                  processor=examples.processor)
        return {**example, "pixel_values": pixels}

    def length(self, example: Example) -> int:  # noqa: ARG002  # as the protocol has it
        """All pictures cost the same."""
        return 1

    def collate(self, examples: Sequence[Example], processor: ImageProcessor) -> Batch:  # noqa: ARG002  # as above
        """Pixels stacked to (rows, 3, size, size)."""
        mixed = "share" in examples[0]
        return of_pictures(examples, targets=("target", "other", "share") if mixed else ("target",))

    def count(self, batch: Batch) -> int:
        """Rows."""
        return batch.rows

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """Cross-entropy, summed over rows; a mixed row's is that of both its labels, in their shares."""
        from torch.nn.functional import cross_entropy

        logits, targets = output["logits"].float(), batch.targets
        if "share" not in targets:
            return LossSum(cross_entropy(logits, targets["target"], reduction="sum"), batch.rows)
        ours, others = (cross_entropy(logits, targets[name], reduction="none") for name in ("target", "other"))
        return LossSum((targets["share"] * ours + (1 - targets["share"]) * others).sum(), batch.rows)

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
        """The most frequent label."""
        from finetune.metrics import baselines

        found = baselines.of_labels(train, rows, labels=self.labels, texts=[], seed=seed)
        return {name: {"prediction": prediction} for name, prediction in found.items()}

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """`label`, and `probabilities` by label, most likely first."""
        from finetune.metrics import classification

        return classification.answers(columns, self.labels)

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The most confident of the wrong rows."""
        from finetune.metrics import classification

        return classification.mistakes(columns, self.labels, number)
