from __future__ import annotations

import numpy as np
import pytest

from finetune.clean.probe import linear


def blobs(rows: int, labels: int = 3, *, width: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = random.integers(0, labels, rows)
    centres = np.random.default_rng(99).normal(size=(labels, width))
    return (centres[targets] * 1.5 + random.normal(size=(rows, width))).astype(np.float32), targets


def test_probe_is_the_regression_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    features, targets = blobs(500)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    theirs = LogisticRegression(C=1 / (0.01 * len(targets)), tol=1e-8, max_iter=2000).fit(standard, targets)
    ours = linear.fit(features, targets, num_labels=3, l2=0.01).probabilities(features)
    assert np.abs(ours - theirs.predict_proba(standard)).max() < 2e-3


@pytest.mark.parametrize("focal", [0.0, 1.0, 2.5])
def test_gradient_is_the_slope_of_the_loss(focal: float) -> None:
    features, targets = blobs(40)
    random = np.random.default_rng(1)
    shares = random.uniform(0.2, 1, 40)
    loss = linear._loss(features.astype(np.float64), targets, shares / shares.sum(), offsets=np.array([0.3, -1, 0.5]),
                        focal=focal, l2=0.1)
    at, step = random.normal(size=21), random.normal(size=21)
    slope = (loss(at + 1e-6 * step)[0] - loss(at - 1e-6 * step)[0]) / 2e-6
    assert loss(at)[1] @ step == pytest.approx(slope, rel=1e-5)


def test_weight_of_two_counts_a_row_twice() -> None:
    features, targets = blobs(60)
    twice = np.arange(60) < 20
    weighted = linear.fit(features, targets, num_labels=3, weights=1 + twice)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    doubled = np.concatenate([features, features[twice]])
    # The same standard for both: the copies would move mean and deviation.
    loss = linear._loss(((features - mean) / scale).astype(np.float64), targets, (1 + twice) / 80, offsets=np.zeros(3), focal=0, l2=0.01)
    longer = linear._loss(((doubled - mean) / scale).astype(np.float64), np.concatenate([targets, targets[twice]]),
                          np.full(80, 1 / 80), offsets=np.zeros(3), focal=0, l2=0.01)
    at = np.vstack([weighted.weights, weighted.bias]).ravel()
    assert loss(at)[0] == pytest.approx(longer(at)[0], rel=1e-9)
    assert np.abs(longer(at)[1]).max() < 1e-3


def test_offsets_of_the_priors_lift_rare_labels() -> None:
    features, targets = blobs(400, 2)
    rare = np.flatnonzero((targets == 0) | (np.arange(400) % 20 == 0))
    features, targets = features[rare], targets[rare]
    priors = np.bincount(targets) / len(targets)
    plain = linear.fit(features, targets, num_labels=2).probabilities(features)[:, 1]
    adjusted = linear.fit(features, targets, num_labels=2, offsets=np.log(priors)).probabilities(features)[:, 1]
    assert (adjusted > plain).all()


def test_label_without_rows_has_the_probability_0() -> None:
    features, targets = blobs(60)
    probabilities = linear.fit(features, targets + (targets > 0), num_labels=5).probabilities(features)
    assert probabilities[:, [1, 4]].max() == 0
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_same_rows_give_the_same_probe_and_constant_columns_do_no_harm() -> None:
    features, targets = blobs(60)
    features[:, 2] = 7.25
    first, second = (linear.fit(features, targets, num_labels=3) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert np.isfinite(first.probabilities(features)).all()


def test_out_of_sample_has_not_seen_the_row_nor_its_copies() -> None:
    random = np.random.default_rng(0)
    features = np.repeat(random.normal(size=(30, 80)), 2, axis=0)  # pairs of copies, labels at random
    targets = np.repeat(random.integers(0, 2, 30), 2)
    apart = linear.out_of_sample(features, targets, np.arange(60), num_labels=2, seed=3)
    together = linear.out_of_sample(features, targets, np.arange(60) // 2, num_labels=2, seed=3)
    assert (apart.argmax(axis=1) == targets).mean() > 0.75  # learnt by heart from the copy
    assert (together.argmax(axis=1) == targets).mean() < 0.7


def test_folds_keep_groups_together_and_deal_out_labels_evenly() -> None:
    targets = np.array([0] * 50 + [1] * 12 + [2] * 3)
    groups = np.array([*range(50), *(50 + np.arange(12) // 2), 100, 101, 102])
    folds = linear.assign(targets, groups, folds=5, seed=7)
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
    assert np.bincount(folds[targets == 0], minlength=5).tolist() == [10] * 5
    assert max(np.bincount(folds[targets == 1], minlength=5)) <= 4
    assert len(set(folds[targets == 2])) == 3


def test_label_of_one_row_is_not_learnt_where_the_row_is_held_out() -> None:
    features, targets = blobs(50, 2)
    targets[7] = 2
    probabilities = linear.out_of_sample(features, targets, np.arange(50), num_labels=3, seed=1)
    assert probabilities[7, 2] == 0
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_one_group_for_all_rows_is_refused() -> None:
    features, targets = blobs(10)
    with pytest.raises(ValueError, match="one group holds all rows"):
        linear.out_of_sample(features, targets, np.zeros(10), num_labels=3, seed=1)
