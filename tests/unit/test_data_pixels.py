"""Pictures to arrays: every geometry is compared with pixels that were worked out by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from finetune.data.pixels import ImageProcessor


def png(pixels: np.ndarray) -> bytes:
    """The picture as a PNG file."""
    opened = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(opened, format="PNG")
    return opened.getvalue()


def numbered(height: int, width: int) -> np.ndarray:
    """A grey picture whose pixel in row y and column x is 10 y + x."""
    return 10 * np.arange(height)[:, None] + np.arange(width)[None, :]


def processor(**settings: object) -> ImageProcessor:
    plain = {"size": 2, "mean": (0.0,) * 3, "std": (1.0,) * 3, "resample": "nearest"}
    return ImageProcessor(**plain | settings)


def encoded(picture: np.ndarray, **settings: object) -> np.ndarray:
    """The first channel in units of the picture."""
    (example,) = processor(**settings).encode([png(picture)])
    return np.rint(example["pixel_values"][0] * 255).astype(int)


def test_picture_of_the_right_size_is_only_normalised() -> None:
    colours = np.array([[[0, 51, 255], [255, 102, 0]], [[51, 0, 51], [102, 255, 204]]])
    made = processor(mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    (example,) = made.encode([png(colours)])
    expected = [
        [[-1.0, 1.0], [-0.6, -0.2]],
        [[-0.2, 0.6], [-1.0, 3.0]],
        [[0.5, 0.0], [0.1, 0.4]],
    ]
    assert list(example) == ["pixel_values"]
    assert example["pixel_values"].dtype == np.float32
    assert np.allclose(example["pixel_values"], expected, atol=1e-6)


def test_array_is_three_channels_first_and_contiguous() -> None:
    values = processor(size=5).encode([png(numbered(7, 9))])[0]["pixel_values"]
    assert values.shape == (3, 5, 5)
    assert values.flags["C_CONTIGUOUS"]


def test_grey_picture_has_three_equal_channels() -> None:
    values = processor().encode([png(numbered(2, 2))])[0]["pixel_values"]
    assert (values[0] == values[1]).all()
    assert (values[0] == values[2]).all()


def test_squash_takes_the_middle_of_every_cell() -> None:
    # Half the width: the centre of a new pixel lies on the border of two, and nearest takes the right one.
    assert encoded(numbered(2, 4)).tolist() == [[1, 3], [11, 13]]
    assert encoded(numbered(6, 2)).tolist() == [[10, 11], [40, 41]]


def test_squash_does_not_keep_the_proportions() -> None:
    wide = np.repeat([[0, 0, 0, 100, 100, 100]], 2, axis=0)
    assert encoded(wide).tolist() == [[0, 100], [0, 100]]


def test_bilinear_squash_averages_what_it_covers() -> None:
    # Support of the triangle filter at half size: two pixels on either side, weights 1:3:3:1 cut at the border.
    row = np.array([[0, 0, 80, 80]])
    assert encoded(np.repeat(row, 4, axis=0), resample="bilinear").tolist() == [[11, 69], [11, 69]]


def test_crop_keeps_the_centre_of_the_shorter_side() -> None:
    # 2 / 0.5 = 4: a picture 4 high is not scaled, and the centre 2 by 2 of 4 by 6 is kept.
    assert encoded(numbered(4, 6), crop=0.5).tolist() == [[12, 13], [22, 23]]
    assert encoded(numbered(6, 4), crop=0.5).tolist() == [[21, 22], [31, 32]]


def test_crop_of_everything_cuts_the_longer_side_alone() -> None:
    assert encoded(numbered(2, 6), crop=1.0).tolist() == [[2, 3], [12, 13]]


def test_crop_scales_before_it_cuts() -> None:
    # 8 high is scaled to 4 (every second pixel, from 1), then the centre is kept.
    assert encoded(numbered(8, 8), crop=0.5).tolist() == [[33, 35], [53, 55]]


def test_crop_of_an_odd_rest_cuts_more_on_the_right() -> None:
    assert encoded(numbered(2, 5), crop=1.0).tolist() == [[1, 2], [11, 12]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 2), (224, 17)])
@pytest.mark.parametrize("crop", [None, 0.875, 0.95, 1.0])
def test_every_shape_becomes_the_square(shape: tuple[int, int], crop: float | None) -> None:
    values = processor(size=8, crop=crop).encode([png(np.full(shape, 200))])[0]["pixel_values"]
    assert values.shape == (3, 8, 8)
    assert np.allclose(values, 200 / 255)


@pytest.mark.parametrize("resample", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_every_filter_keeps_a_plain_picture(resample: str) -> None:
    assert (encoded(np.full((5, 7), 90), size=3, resample=resample) == 90).all()


def test_pictures_come_back_in_order() -> None:
    both = processor().encode([png(np.full((2, 2), 30)), png(np.full((4, 4), 60))])
    assert [round(float(example["pixel_values"].max()) * 255) for example in both] == [30, 60]


def test_picture_may_be_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(numbered(2, 2)))
    (example,) = processor().encode([str(tmp_path / "a.png")])
    assert np.rint(example["pixel_values"][0] * 255).tolist() == [[0, 1], [10, 11]]


@pytest.mark.parametrize("crop", [None, 0.875])
def test_saved_processor_is_the_same(tmp_path: Path, crop: float | None) -> None:
    made = ImageProcessor(size=5, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), resample="bilinear", crop=crop)
    made.save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["processor.json"]
    assert json.loads((tmp_path / "processor.json").read_text())["kind"] == "image"
    assert ImageProcessor.load(tmp_path) == made
    picture = png(numbered(9, 6))
    again = ImageProcessor.load(tmp_path).encode([picture])[0]["pixel_values"]
    assert (again == made.encode([picture])[0]["pixel_values"]).all()
