"""Pictures that look alike."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageOps

from finetune.clean import engine, leakage, near_duplicates
from finetune.clean.near import likeness, pairs, pictures

ROLES = {"image": "image", "label": "label"}
NUM_SCENES = 40


def scene(seed, size=(320, 240)):
    """A picture with soft shapes, a few hard ones, and noise: as different from the next seed as photographs are."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 7, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(coarse).astype(np.int16)
    for _ in range(6):
        x, y, w, h = random.integers(0, (size[0], size[1], size[0] // 3, size[1] // 3))
        pixels[y:y + h, x:x + w] = random.integers(0, 256, 3)
    pixels += random.integers(-12, 13, pixels.shape, np.int16)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def cropped(picture, share):
    width, height = picture.size
    return picture.crop((round(width * share), round(height * share), round(width * (1 - share)), round(height * (1 - share))))


def resized(picture, share):
    return picture.resize([round(side * share) for side in picture.size], Image.Resampling.LANCZOS)


def encoded(picture, kind="PNG", **options):
    opened = io.BytesIO()
    picture.save(opened, kind, **options)
    return opened.getvalue()


def table(*cells, labels=None, name="p"):
    return pa.table({"row": [f"{name}:{i}" for i in range(len(cells))], "image": pa.array(cells, pa.binary()),
                     "hash": [hashlib.sha256(cell).hexdigest() for cell in cells], "label": labels or ["a"] * len(cells)})


@pytest.fixture(scope="module")
def scenes():
    """Forty different pictures."""
    return [scene(seed) for seed in range(NUM_SCENES)]


@pytest.fixture(scope="module")
def originals(scenes):
    """The same as PNG."""
    return [encoded(picture) for picture in scenes]


def test_different_pictures_are_no_near_copies(originals):
    assert len(pairs.find([table(*originals)], ROLES).left) == 0


@pytest.mark.parametrize("copy", [
    lambda picture: encoded(picture, "JPEG", quality=60),
    lambda picture: encoded(picture, "WEBP", quality=50),
    lambda picture: encoded(resized(picture, 0.8)),
    lambda picture: encoded(resized(picture, 0.25), "JPEG"),
    lambda picture: encoded(cropped(picture, 0.015), "JPEG", quality=80),
    lambda picture: encoded(cropped(picture, 0.03)),
    lambda picture: encoded(ImageOps.mirror(picture)),
    lambda picture: encoded(cropped(ImageOps.mirror(picture), 0.02), "JPEG", quality=70),
    lambda picture: encoded(picture.point(lambda level: min(255, round(level * 1.1))), "JPEG"),
], ids=["jpeg-60", "webp-50", "80-percent", "a-quarter", "crop-1.5", "crop-3", "mirrored", "mirrored-and-cropped", "brighter"])
def test_copies_are_found_and_nothing_else(scenes, originals, copy):
    found = pairs.find([table(*originals, *map(copy, scenes))], ROLES)
    expected = {(number, NUM_SCENES + number) for number in range(NUM_SCENES)}
    got = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert got <= expected
    assert len(got) >= 0.97 * NUM_SCENES


def test_another_colour_is_another_picture():
    shape = np.zeros((64, 64, 3), np.uint8)
    red, blue = shape.copy(), shape.copy()
    red[16:48, 16:48], blue[16:48, 16:48] = (180, 60, 60), (60, 60, 230)
    assert len(pairs.find([table(encoded(Image.fromarray(red)), encoded(Image.fromarray(blue)))], ROLES).left) == 0


def test_small_and_flat_pictures_are_not_judged(scenes):
    small = encoded(scenes[0].resize((31, 64)))
    flat = [encoded(Image.new("RGB", (64, 64), colour)) for colour in ("white", "white", "#fefefe")]
    assert len(pairs.find([table(small, small, *flat)], ROLES).left) == 0
    judged = encoded(scenes[0].resize((32, 64)))
    assert len(pairs.find([table(judged, judged)], ROLES).left) == 1


def test_digits_sample_does_not_drown_in_findings():
    from finetune.data.samples import digits

    rows = digits.rows().splits["train"].slice(0, 300)
    assert len(near_duplicates.find(rows, ROLES)) == 0


def test_reason_names_row_and_similarity(scenes, originals):
    found = near_duplicates.find(table(*originals[:3], encoded(ImageOps.mirror(scenes[1]))), ROLES)
    assert found.rows == (3,)
    assert found.reasons == ("near copy of p:1 (similarity 1.00)",)


def test_near_copy_of_a_test_picture_leaves_the_training_rows(scenes, originals):
    splits = {"train": table(*originals[:3], name="t"), "test": table(encoded(scenes[1], "JPEG", quality=60), name="e")}
    found, _ = leakage.find(splits, ROLES)
    assert (found["train"].rows, found["test"].rows) == ((1,), (0,))
    cleaned = engine.clean(splits, ROLES, {})
    assert cleaned.splits["train"]["row"].to_pylist() == ["t:0", "t:2"]
    assert cleaned.splits["test"]["row"].to_pylist() == ["e:0"]


def test_no_pictures_have_no_copies():
    assert len(pairs.find([table()], ROLES).left) == 0


def test_equal_looks_have_similarity_one_and_a_crop_is_undone(scenes):
    grey = scenes[0].convert("L")
    looks = pictures.seen(table(*map(encoded, (grey, grey, cropped(grey, 0.03), scenes[1].convert("L")))), "image").looks
    assert np.linalg.norm(looks.astype(float), axis=1).tolist() == pytest.approx([1] * 4, abs=1e-3)
    same, crop, other = likeness.similarities(looks, np.array([0, 0, 0]), np.array([1, 2, 3]))
    assert same == 1
    assert crop > 0.97 > float(looks[0].astype(float) @ looks[2]) + 0.01
    assert other < 0.8


def test_similarity_is_the_same_from_either_side(scenes):
    looks = pictures.seen(table(*map(encoded, (scenes[0], cropped(ImageOps.mirror(scenes[0]), 0.02)))), "image").looks
    there, back = likeness.similarities(looks, np.array([0, 1]), np.array([1, 0]))
    assert there == pytest.approx(back, abs=1e-4)
