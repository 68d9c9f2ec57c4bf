"""Channels and brightness of pictures, and what a page shows of a row."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from finetune.clean.survey import excerpts, pictures
from finetune.clean.survey.whole import survey

ROLES = {"image": "image", "label": "label"}


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def table(*arrays: np.ndarray) -> pa.Table:
    return pa.table({"row": [f"{place}.png" for place in range(len(arrays))], "image": [png(array) for array in arrays],
                     "label": ["a", "b"] * (len(arrays) // 2) + ["a"] * (len(arrays) % 2)})


def test_mean_and_deviation_are_those_of_all_pixels() -> None:
    random = np.random.default_rng(3)
    arrays = [random.integers(0, 256, (20, 20, 3)) * np.array([1, 0.5, 0.1]) // 1 for _ in range(6)]
    found = survey({"train": table(*arrays)}, ROLES)["pictures"]
    pixels = np.stack(arrays).astype(np.uint8).reshape(-1, 3) / 255
    assert found["mean"] == pytest.approx(pixels.mean(axis=0).tolist(), abs=1e-4)
    assert found["std"] == pytest.approx(pixels.std(axis=0).tolist(), abs=1e-4)
    assert (found["rows"], found["of"]) == (6, 6)


def test_every_split_has_its_own_numbers() -> None:
    dark, light = np.zeros((8, 8, 3)), np.full((8, 8, 3), 255)
    found = survey({"train": table(dark, dark), "test": table(light)}, ROLES)["pictures"]
    assert found["mean"] == [0, 0, 0]
    assert found["by_split"]["test"] == {"rows": 1, "of": 1, "mean": [1, 1, 1], "std": [0, 0, 0]}


def test_of_very_many_pictures_some_are_looked_into_and_it_is_said() -> None:
    rows = table(*[np.full((4, 4, 3), place % 256) for place in range(pictures.MOST + 30)])
    found = survey({"train": rows}, ROLES, seed=4)
    assert (found["pictures"]["rows"], found["pictures"]["of"]) == (pictures.MOST, pictures.MOST + 30)
    assert found == survey({"train": rows}, ROLES, seed=4)
    assert found["pictures"]["mean"] != survey({"train": rows}, ROLES, seed=5)["pictures"]["mean"]


def test_darker_test_pictures_are_a_difference() -> None:
    random = np.random.default_rng(6)
    train = table(*[np.full((4, 4, 3), random.integers(100, 250)) for _ in range(40)])
    test = table(*[np.full((4, 4, 3), random.integers(0, 60)) for _ in range(40)])
    found = survey({"train": train, "test": test}, ROLES)
    assert [entry["what"] for entry in found["distributions"] if entry["differs"]] == ["brightness"]
    assert [group["label"] for group in found["boxes"][0]["groups"]] == [None, None, "a", "b"]


def test_texts_have_no_pixels() -> None:
    assert "pictures" not in survey({"train": pa.table({"row": ["1"], "text": ["a"]})}, {"text": "text"})


def test_excerpt_of_a_picture_is_a_small_png(tmp_path: Path) -> None:
    Image.new("RGB", (400, 200), "red").save(tmp_path / "a.jpg")
    uri = excerpts.excerpt({"image": str(tmp_path / "a.jpg")}, ROLES)["image"]
    start, _, content = uri.partition(",")
    assert start == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as small:
        assert small.size == (96, 48)


def test_picture_that_is_gone_leaves_words_in_its_place(tmp_path: Path) -> None:
    assert "gone.png" in excerpts.excerpt({"image": str(tmp_path / "gone.png")}, ROLES)["text"]


def test_excerpt_of_a_text_is_masked_before_it_is_cut() -> None:
    text = "x" * 290 + " somebody@example.com and more words that nobody needs to see"
    shown = excerpts.excerpt({"text": text, "label": "a"}, {"text": "text", "label": "label"})["text"]
    assert shown == "x" * 290 + " [email] a..."
    assert len(shown) <= excerpts.LETTERS + 3


def test_excerpt_of_several_texts_has_all_of_them() -> None:
    assert excerpts.excerpt({"a": "one", "b": None, "c": "two"}, dict.fromkeys("abc", "text")) == {"text": "one / two"}
