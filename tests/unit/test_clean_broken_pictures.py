"""Pictures that cannot be read: dropped from training with their reason, never from what is measured."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from finetune.clean import broken_pictures, engine
from finetune.clean.near import pictures
from finetune.errors import DataError

ROLES = {"image": "image", "label": "label"}


def encoded(seed: int, form: str = "PNG", **options: object) -> bytes:
    opened = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), np.uint8)
    Image.fromarray(noise).save(opened, form, **options)
    return opened.getvalue()


def table(*cells: bytes, name: str = "a") -> pa.Table:
    return pa.table({"row": [f"{name}:{number}" for number in range(len(cells))],
                     "hash": [hashlib.sha256(cell).hexdigest() for cell in cells],
                     "image": pa.array(cells, pa.binary()), "label": ["cat", "dog"] * (len(cells) // 2) + ["cat"] * (len(cells) % 2)})


BROKEN = (encoded(3)[:200], b"words", b"")


def test_training_rows_are_dropped_with_their_reason_and_the_others_stay():
    train = table(encoded(1), encoded(2), *BROKEN)
    cleaned = engine.clean({"train": train}, ROLES, {})
    assert cleaned.splits["train"].equals(train.slice(0, 2))
    assert [(line.row, line.rule, line.action, line.reason) for line in cleaned.ledger] == [
        (f"a:{number}", "broken_pictures", "dropped", f"the picture cannot be read ({reason})")
        for number, reason in ((2, "truncated"), (3, "not an image"), (4, "empty file"))]


def test_validation_and_test_rows_stop_the_run():
    with pytest.raises(DataError, match=r"^data\.files\.test: t:2: the picture cannot be read \(truncated\)\. "
                                        r"3 rows like it \(.*\)\. Fix them: test rows are never dropped\.$"):
        engine.clean({"train": table(encoded(1), encoded(2)), "test": table(encoded(4), encoded(5), *BROKEN, name="t")}, ROLES, {})


def test_fail_stops_training():
    with pytest.raises(DataError, match=r"Fix them or set clean\.broken_pictures=drop\.$"):
        engine.clean({"train": table(encoded(1), encoded(2), *BROKEN)}, ROLES, {"broken_pictures": "fail"})


def test_readable_and_broken_rows_are_told_apart():
    sound, broken = broken_pictures.apart(table(encoded(1), BROKEN[0], encoded(2)), ROLES)
    assert (sound["row"].to_pylist(), broken["row"].to_pylist()) == (["a:0", "a:2"], ["a:1"])
    texts = pa.table({"row": ["t:1"], "text": ["a"]})
    assert [rows.num_rows for rows in broken_pictures.apart(texts, {"text": "text"})] == [1, 0]


def test_picture_is_decoded_once_whatever_table_it_is_in(monkeypatch):
    train = table(encoded(11), encoded(12), encoded(11))
    first = pictures.seen(train, "image")
    monkeypatch.setattr(pictures, "glance", None)  # it would be called for anything new
    again = pictures.seen(train.slice(1), "image")
    assert np.array_equal(again.looks, first.looks[1:])
    assert pictures.seen(train.slice(0, 0), "image").looks.shape == (0, first.looks.shape[1])


def test_grey_pictures_must_be_more_alike_than_coloured_ones():
    looks = np.zeros((4, pictures.SIZE), np.float16)
    looks[:, 0] = 1
    looks[2:, -1] = 0.1
    left, right = np.array([0, 2, 0]), np.array([1, 3, 2])
    assert pictures.are_copies(looks, left, right, similarity=np.array([0.98, 0.98, 0.98])).tolist() == [False, True, False]
    assert pictures.are_copies(looks, left, right, similarity=np.array([0.995, 0.96, 0.995])).tolist() == [True, False, True]
