"""What is tried against uneven labels on frozen features, and when one way is recommended."""

from __future__ import annotations

import json

import numpy as np
import pytest

from finetune import checks, override, recipe
from finetune.clean.probe import linear
from finetune.evaluate import advice
from finetune.metrics import balance

ROWS = 2_400


def rows(shares: tuple[float, ...], *, apart: float, seed: int = 0, count: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian clouds, one a label, `apart` from each other in six directions."""
    random = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(shares)), [round(count * share) for share in shares])
    centres = np.random.default_rng(99).normal(size=(len(shares), 6)) * apart
    return (centres[targets] + random.normal(size=(len(targets), 6))).astype(np.float32), targets


def advised(features: np.ndarray, targets: np.ndarray) -> advice.Advice:
    """Advice on rows of which none is a copy of another."""
    return advice.advise(features, targets, np.arange(len(targets)), num_labels=int(targets.max()) + 1, seed=4)


@pytest.fixture(scope="module")
def overlapping() -> advice.Advice:
    """Clouds that overlap: plain cross-entropy hardly ever answers the rare label."""
    features, targets = rows((0.9, 0.1), apart=0.4)
    return advised(features, targets)


def test_every_way_is_tried_and_plain_cross_entropy_comes_first(overlapping: advice.Advice) -> None:
    assert [way.name for way in overlapping.tried] == list(advice.WAYS)
    plain = overlapping.tried[0]
    assert plain.setting == "train.loss=cross_entropy"
    assert (plain.gain.value, plain.gain.low, plain.gain.high) == (0, 0, 0)
    assert overlapping.num_rows == ROWS


def test_way_that_is_clearly_better_is_recommended(overlapping: advice.Advice) -> None:
    best = max(overlapping.tried, key=lambda way: way.score.value)
    assert overlapping.recommended is best
    assert best.gain.low > 0
    assert best.gain.value == pytest.approx(best.score.value - overlapping.tried[0].score.value)
    assert best.name in overlapping.reason and f"{best.score.value:.3f} instead of" in overlapping.reason


def test_nothing_is_recommended_where_labels_can_be_told_apart_anyhow() -> None:
    features, targets = rows((0.8, 0.1, 0.1), apart=8)
    found = advised(features, targets)
    assert found.recommended is None
    assert found.tried[0].score.value > 0.99
    assert found.as_json()["recommended"] == "none"
    assert found.as_json()["setting"] == "train.loss=cross_entropy"


def test_nothing_is_recommended_where_features_tell_nothing() -> None:
    features, targets = rows((0.95, 0.05), apart=0, count=300)
    assert advised(features, targets).recommended is None


def test_same_rows_give_the_same_advice() -> None:
    features, targets = rows((0.9, 0.1), apart=1, count=200)
    first, second = (advised(features, targets) for _ in range(2))
    assert first == second


def test_advice_is_json(overlapping: advice.Advice) -> None:
    found = json.loads(json.dumps(overlapping.as_json()))
    assert found["score"] == "f1_macro"
    for way in found["tried"]:
        assert set(way) == {"name", "setting", "score", "low", "high", "gain", "accuracy"}
        assert way["low"] <= way["score"] <= way["high"]


@pytest.mark.parametrize("setting", [setting for setting, _ in advice.WAYS.values()])
def test_every_setting_that_can_be_recommended_can_be_typed(setting: str) -> None:
    changed = override.apply(recipe.load("sentiment"), [setting])
    assert checks.problems(changed) == []
    key, _, value = setting.partition("=")
    assert override.values(changed)[key] == value


def test_what_is_tried_are_all_the_settings_there_are() -> None:
    settings = [setting for setting, _ in advice.WAYS.values()]
    assert len(settings) == len(set(settings)) == 1 + 2 + 2 + 1  # plain; weights; losses; sampler


def test_balanced_weights_are_those_of_the_loop() -> None:
    features, targets = rows((0.9, 0.1), apart=1, count=200)
    _, learn = advice.WAYS["balanced weights"]
    weights = balance.weights(np.bincount(targets), "balanced")[targets]
    expected = linear.fit(features, targets, num_labels=2, weights=weights).probabilities(features)
    np.testing.assert_allclose(learn(features, targets, num_labels=2).probabilities(features), expected)


def test_large_data_are_tried_in_part_and_no_label_is_lost() -> None:
    targets = np.repeat([0, 1, 2], [20_000, 400, 6])
    chosen = advice.subset(targets, num_labels=3, seed=0)
    counts = np.bincount(targets[chosen])
    assert counts.tolist() == [4901, 98, 6]
    assert len(np.unique(chosen)) == len(chosen)


def test_many_labels_are_tried_on_fewer_rows() -> None:
    targets = np.arange(6_000) % 25
    assert len(advice.subset(targets, num_labels=25, seed=0)) == 2_000
