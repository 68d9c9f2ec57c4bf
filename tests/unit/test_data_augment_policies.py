"""TrivialAugment and RandAugment: fourteen operations, each within its range, none that depends on another generator."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from finetune.data.augment.policies import CHANGES, OPERATIONS, Operation
from tests.unit.test_data_augment_images import FILL, picture


def applied(operation: Operation, strength: float, given: Image.Image | None = None) -> np.ndarray:
    return np.asarray(operation.apply(given or picture(), strength, FILL)).astype(int)


def test_there_are_the_fourteen_operations_of_the_papers() -> None:
    assert len(OPERATIONS) == 14


@pytest.mark.parametrize("place", range(14))
def test_operation_keeps_size_and_mode_at_every_strength(place: int) -> None:
    operation = OPERATIONS[place]
    for strength in (-operation.wide, 0.0, operation.usual, operation.wide):
        found = operation.apply(picture(48, 32), strength if operation.signed else abs(strength), FILL)
        assert (found.size, found.mode) == ((48, 32), "RGB")


@pytest.mark.parametrize("place", range(12))
def test_operation_without_strength_changes_nothing_and_with_it_something(place: int) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    assert (applied(OPERATIONS[place], 0.0, noise) == np.asarray(noise)).all()
    if place:  # the first is to do nothing
        for full in (OPERATIONS[place].wide, OPERATIONS[place].usual):
            assert (applied(OPERATIONS[place], full, noise) != np.asarray(noise)).any()


@pytest.mark.parametrize(("place", "axis"), [(3, 1), (4, 0)])
def test_moving_shifts_by_less_than_half_and_fills_what_comes_in(place: int, axis: int) -> None:
    found = applied(OPERATIONS[place], OPERATIONS[place].wide)
    filled = (found == FILL).all(axis=-1).mean(axis=1 - axis)
    assert int((filled == 1).sum()) in (14, 15)  # 0.45 of 32


def test_full_strengths_are_those_of_the_papers() -> None:
    assert [(operation.wide, operation.usual) for operation in OPERATIONS] == [
        (0, 0), (0.99, 0.3), (0.99, 0.3), (0.45, 0.45), (0.45, 0.45), (135, 30), *[(0.99, 0.9)] * 4, (6, 4), (1, 1), (0, 0), (0, 0)]


def test_posterize_and_solarize_do_what_they_are_called() -> None:
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3))
    assert len(np.unique(applied(OPERATIONS[10], 6, grey))) == 4
    assert (applied(OPERATIONS[11], 1.0, grey)[..., 0].ravel() == 255 - np.arange(256)).all()


@pytest.mark.parametrize("name", CHANGES)
def test_policy_repeats_for_the_same_generator_and_varies_over_others(name: str) -> None:
    found = [np.asarray(CHANGES[name](picture(), np.random.default_rng(seed), FILL)).tobytes() for seed in range(60)]
    assert found == [np.asarray(CHANGES[name](picture(), np.random.default_rng(seed), FILL)).tobytes() for seed in range(60)]
    assert len(set(found)) > 20
