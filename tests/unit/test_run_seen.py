"""What is kept of what the model saw: the very examples that the feed gives, masked and small."""

from __future__ import annotations

import base64
import io

import numpy as np
import pyarrow as pa
from PIL import Image

from finetune.data.examples import Examples
from finetune.data.pixels import ImageProcessor
from finetune.run.seen import seen
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification
from tests.parity import setting
from tests.unit.small_tokenizer import processor

PIXELS = ImageProcessor(size=24, mean=(0.5,) * 3, std=(0.5,) * 3)


def pictures(*changes: str, mix_until: int | None = None) -> Examples:
    task = ImageClassification(labels=("left", "right"), augmentations=changes, mix_until=mix_until)
    return Examples(setting.image_rows(20), task, PIXELS)


def opened(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_pictures_are_those_that_the_feed_gives() -> None:
    examples = pictures("shift", "color", "erase")
    found = seen(examples, seed=3, epochs=2.2)
    assert (found["kind"], found["changes"]) == ("image", ["shift", "color", "erase"])
    assert [row["row"] for row in found["rows"]] == [f"made:{place}" for place in (0, 4, 8, 11, 15, 19)]
    for place, row in zip((0, 4, 8, 11, 15, 19), found["rows"], strict=True):
        assert np.array_equal(opened(row["image"]), np.asarray(PIXELS.picture(examples[place]["pixel_values"])))
        assert [version["epoch"] for version in row["versions"]] == [1, 2, 3]
        for epoch, version in enumerate(row["versions"]):
            given = examples.augmented(place, seed=3, epoch=epoch)["pixel_values"]
            assert np.array_equal(opened(version["image"]), np.asarray(PIXELS.picture(given)))


def test_mixed_pictures_name_the_other_row_while_they_are_mixed() -> None:
    examples = pictures("mixup", mix_until=2)
    for row in seen(examples, seed=3, epochs=9)["rows"]:
        assert len(row["versions"]) == 5
        assert ["share" in version for version in row["versions"]] == [True, True, False, False, False]
        first = row["versions"][0]
        other = int(first["other_row"].removeprefix("made:"))
        assert first["other"] == examples.row(other)["label"]
        assert 0 <= first["share"] <= 1


def test_nothing_is_kept_where_nothing_is_changed() -> None:
    assert seen(pictures(), seed=3, epochs=2) == {"kind": "image", "changes": [], "rows": []}
    texts = Examples(setting.text_rows(4), TextClassification(labels=("negative", "positive")), processor())
    assert seen(texts, seed=3, epochs=2) == {"kind": "text", "changes": [], "rows": []}


def test_texts_are_as_the_tokens_spell_them() -> None:
    task = TextClassification(labels=("x", "y"), augmentations=("swap_words",))
    rows = pa.table({"row": ["a:1", "a:2"], "text": ["a b c d", "e f"], "label": ["x", "y"]})
    first, second = seen(Examples(rows, task, processor(special=False)), seed=1, epochs=1)["rows"]
    assert (first["text"], second["text"]) == ("a b c d", "e f")
    assert sorted(first["versions"][0]["text"].split()) == ["a", "b", "c", "d"]
    assert second["versions"][0]["text"] == "f e"
