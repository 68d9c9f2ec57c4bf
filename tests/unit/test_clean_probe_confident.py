from __future__ import annotations

import numpy as np

from finetune.clean.probe import confident


def planted(rows: int = 600, wrong: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, sharp probabilities of the true ones, and which labels are wrong; label 2 is never wrong."""
    random = np.random.default_rng(5)
    true = random.integers(0, 3, rows)
    flipped = (random.random(rows) < wrong) & (true < 2)
    probabilities = 0.05 + random.random((rows, 3)) * 0.05
    probabilities[np.arange(rows), true] = 0.9
    return np.where(flipped, 1 - true, true), probabilities / probabilities.sum(axis=1, keepdims=True), flipped


def test_planted_errors_are_found_and_nothing_else() -> None:
    targets, probabilities, flipped = planted()
    assert np.array_equal(confident.issues(targets, probabilities, confident.joint(targets, probabilities)), flipped)


def test_noise_is_the_share_of_wrong_labels_by_label() -> None:
    targets, probabilities, flipped = planted()
    noise = confident.noise(confident.joint(targets, probabilities))
    expected = [flipped[targets == label].mean() for label in range(3)]
    assert np.abs(noise - expected).max() < 0.01
    assert noise[2] == 0


def test_joint_adds_up_to_the_labels_given() -> None:
    targets, probabilities, _ = planted()
    assert confident.joint(targets, probabilities).sum(axis=1).tolist() == np.bincount(targets).tolist()


def test_label_without_rows_is_never_suggested_and_has_no_noise() -> None:
    targets, probabilities, flipped = planted()
    wider = np.insert(probabilities, 1, 0.0, axis=1)
    joint = confident.joint(targets + (targets > 0), wider)
    assert joint[1].sum() == joint[:, 1].sum() == 0
    assert confident.noise(joint)[1] == 0
    assert np.array_equal(confident.issues(targets + (targets > 0), wider, joint), flipped)


def test_only_row_of_a_label_stays() -> None:
    targets, probabilities = np.array([0, 0, 0, 0, 1]), np.full((5, 2), [0.95, 0.05])
    assert not confident.issues(targets, probabilities, confident.joint(targets, probabilities)).any()
