"""What image processors of transformers come to: size, crop, mean and deviation, and what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from torch import nn

from finetune.backbones import hf, preprocessing
from finetune.errors import BackboneError

PLAIN: dict[str, Any] = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3, "resample": 3}


def made(**settings: Any) -> Any:
    return preprocessing.of_pictures(PLAIN | settings, "me/backbone", size=None)


def test_plain_settings_are_taken_as_they_are() -> None:
    assert (made().size, made().mean, made().std, made().resample, made().crop) == (32, (0.5,) * 3, (0.25,) * 3, "bicubic", None)


@pytest.mark.parametrize(("settings", "size", "crop"), [
    ({"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}}, 224, 224 / 256),
    ({"size": {"height": 256, "width": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}}, 224, 224 / 256),
    ({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, 224, 224 / 256),
    ({"size": {"shortest_edge": 224}, "crop_pct": 0.95}, 224, 224 / 235),
    ({"size": {"shortest_edge": 384}, "crop_pct": 0.875}, 384, None),
])
def test_what_is_cut_off_is_what_the_processor_cuts(settings: dict[str, Any], size: int, crop: float | None) -> None:
    assert (made(**settings).size, made(**settings).crop) == (size, crop)


@pytest.mark.parametrize(("settings", "mean", "std"), [
    ({"do_normalize": False}, 0.0, 1.0),
    ({"rescale_factor": 1 / 127.5, "rescale_offset": True}, 0.75, 0.125),  # (x * 2 - 1 - 0.5) / 0.25
    ({"include_top": True}, 0.5, 0.0625),
    ({"do_rescale": False}, 0.5 / 255, 0.25 / 255),
])
def test_every_way_of_normalising_comes_to_mean_and_deviation(settings: dict[str, Any], mean: float, std: float) -> None:
    assert made(**settings).mean == pytest.approx((mean,) * 3)
    assert made(**settings).std == pytest.approx((std,) * 3)


def test_weights_that_take_blue_first_are_refused() -> None:
    with pytest.raises(BackboneError, match="me/backbone: its weights take blue before red"):
        made(do_flip_channel_order=True)


def test_transformers_still_has_the_momentum_of_tensorflow() -> None:
    with torch.device("meta"):
        models: list[Any] = [transformers.MobileNetV2Model(transformers.MobileNetV2Config()),
                             transformers.EfficientNetModel(transformers.EfficientNetConfig())]
    found = [max(part.momentum or 0 for part in model.modules() if isinstance(part, nn.BatchNorm2d)) for model in models]
    assert found == [0.997, 0.99]


def test_batch_norms_remember_more_than_the_last_rows() -> None:
    model = nn.Sequential(nn.BatchNorm2d(2, momentum=0.997), nn.BatchNorm2d(2, momentum=0.01), nn.BatchNorm2d(2, momentum=None), nn.ReLU())
    hf.remember_longer(model)
    assert [getattr(part, "momentum", None) for part in model] == [0.1, 0.01, None, None]
