"""Rows of a size that is out of the ordinary."""

from __future__ import annotations

import io
import random

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from finetune.clean import outliers

ROLES = {"text": "text", "label": "label"}
PICTURES = {"image": "image", "label": "label"}


def table(texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": ["h"] * len(texts),
                     "text": pa.array(texts, pa.string()), "label": ["a"] * len(texts)})


def pictures(*sizes):
    def encoded(size):
        stream = io.BytesIO()
        Image.new("RGB", size).save(stream, "PNG")
        return stream.getvalue()

    cells = [encoded(size) if isinstance(size, tuple) else size for size in sizes]
    return pa.table({"row": [f"p:{i}" for i in range(len(cells))], "hash": ["h"] * len(cells),
                     "image": pa.array(cells, pa.binary()), "label": ["a"] * len(cells)})


def usual(size=300):
    chance = random.Random(0)
    return [" ".join(["word"] * chance.randint(10, 40)) for _ in range(size)]


def test_texts_far_longer_or_shorter_than_the_others_are_found():
    found = outliers.find(table([*usual(), "word " * 2000 + "end", "x", "word word word word word"]), ROLES)
    assert found.rows == (300, 301)
    assert found.columns == ("text", "text")
    assert found.reasons[0].startswith("column 'text' has 10,003 characters, usual is ")
    assert found.reasons[1].startswith("column 'text' has 1 characters, usual is ")
    assert found.before[1] == "x"
    assert found.counts == {"characters": 2}


def test_text_of_few_words_and_many_characters_is_found_by_its_words():
    found = outliers.find(table([*usual(), "x" * 120]), ROLES)
    assert found.rows == (300,)
    assert found.counts == {"words": 1}


def test_words_are_not_counted_where_blanks_do_not_set_them_apart():
    texts = ["好" * (20 + i % 30) for i in range(300)]
    assert len(outliers.find(table([*texts, "好 " * 20]), ROLES)) == 0


@pytest.mark.parametrize("texts", [usual(), [*usual()[:50], "x" * 9999], ["same"] * 200 + ["same same"[:6]], ["", None] * 100, []])
def test_usual_few_equal_and_empty_texts_are_left_alone(texts):
    assert len(outliers.find(table(texts), ROLES)) == 0


def test_bounds_are_the_widest_of_the_three():
    normal = np.exp(np.random.default_rng(0).normal(4, 0.5, 10_000))
    found = outliers.bounds(normal)
    logs = np.log(normal)
    first, third = np.percentile(logs, [25, 75])
    assert found.low == pytest.approx(np.exp(first - 3 * (third - first)))
    assert found.high == pytest.approx(np.exp(third + 3 * (third - first)))
    assert found.outside(normal).mean() < 1e-4
    equal = outliers.bounds(np.full(100, 10.0))
    assert (equal.low, equal.high) == (pytest.approx(5), pytest.approx(20))


def test_held_out_rows_are_held_against_the_training_rows():
    find = outliers.learn(table(usual()), ROLES)
    assert find(table(["x", usual()[0]]), ROLES).rows == (0,)


def test_pictures_of_a_pixel_or_of_extreme_shape_are_found_however_few_there_are():
    found = outliers.find(pictures((32, 32), (1, 1), (640, 60), (640, 64), (1, 40)), PICTURES)
    assert found.rows == (1, 2, 4)
    assert found.reasons == ("the picture has 1 pixels on its shorter side, fewer than 2",
                             "the longer side is 10.7 times its shorter side, more than 10",
                             "the picture has 1 pixels on its shorter side, fewer than 2")
    assert found.before == (None, None, None)


def test_pictures_far_smaller_or_larger_than_the_others_are_found():
    found = outliers.find(pictures(*[(60 + i % 9, 64) for i in range(120)], (8, 8), (900, 900)), PICTURES)
    assert found.rows == (120, 121)


def test_picture_that_has_no_header_is_the_business_of_the_reader():
    assert len(outliers.find(pictures((32, 32), b"words", b""), PICTURES)) == 0


NUMBERS = {"price": "number"}


def prices(values):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(values) + 2)], "hash": ["h"] * len(values),
                     "price": pa.array(values, pa.float64())})


def test_numbers_far_off_are_found_on_either_side():
    chance = random.Random(0)
    found = outliers.find(prices([*(chance.gauss(50, 5) for _ in range(500)), 1e6, -400.0, 120.0, None]), NUMBERS)
    assert found.rows == (500, 501, 502)
    assert found.reasons[0].startswith("column 'price' has 1e+06 as its number, usual is ")
    assert found.counts == {"as its number": 3}


def test_one_enormous_number_does_not_hide_the_others():
    chance = random.Random(1)
    assert outliers.find(prices([*(chance.random() for _ in range(300)), 1e12, 40.0]), NUMBERS).rows == (300, 301)


def test_numbers_of_which_most_are_nought_are_judged_by_their_deviation():
    values = [0.0] * 900 + [1.0] * 90 + [500.0]
    assert outliers.find(prices(values), NUMBERS).rows == (990,)


def test_numbers_that_are_usual_or_few_are_not_reported():
    chance = random.Random(2)
    assert len(outliers.find(prices([chance.gauss(0, 1) for _ in range(2_000)]), NUMBERS)) <= 1
    assert len(outliers.find(prices([1.0] * 50 + [1e9]), NUMBERS)) == 0
