"""Lengths as steps, and what counts as a better score."""

from __future__ import annotations

import json

import pytest

from finetune.spec import Epochs, Length, Rows, Steps, Train
from finetune.train.progress import Plan, Progress


def plan(length: Length, *, num_rows: int = 101, batch: int = 32) -> Plan:
    return Plan.of(Train(length=length, batch=batch, evaluate_every=Epochs(1)), num_rows)


def noted(scores: list[float], *, losses: list[float] | None = None, patience: int = 0, greater_is_better: bool = True) -> tuple[Progress, list[bool]]:
    """Where a run stands after one evaluation per step."""
    progress, best = Progress(), []
    for score, loss in zip(scores, losses or [1.0] * len(scores), strict=True):
        progress.step += 1
        best.append(progress.note(score, loss=loss, greater_is_better=greater_is_better, patience=patience))
    return progress, best


def test_an_epoch_has_a_step_for_the_rows_left_over() -> None:
    assert plan(Epochs(3)) == Plan(num_rows=101, steps_per_epoch=4, num_steps=12, evaluate_every=4)
    assert plan(Epochs(3), num_rows=96).steps_per_epoch == 3


@pytest.mark.parametrize(("length", "expected"), [
    (Steps(1), 1), (Steps(500), 500),
    (Epochs(1), 4), (Epochs(2.5), 10), (Epochs(0.5), 2), (Epochs(0.001), 1),
    (Rows(1), 1), (Rows(32), 1), (Rows(33), 2), (Rows(96), 3), (Rows(97), 4), (Rows(101), 4), (Rows(102), 5), (Rows(202), 8),
])
def test_length_is_turned_into_steps(length: Length, expected: int) -> None:
    assert plan(length).num_steps == expected


@pytest.mark.parametrize(("num_rows", "batch"), [(100, 1), (3200, 32), (101, 32), (7, 32)])
def test_length_in_rows_takes_the_fewest_steps_that_see_them(num_rows: int, batch: int) -> None:
    per_epoch = -(-num_rows // batch)
    seen_after = [0]
    for step in range(2 * per_epoch):
        seen_after.append(seen_after[-1] + min(batch, num_rows - step % per_epoch * batch))
    for rows in range(1, 2 * num_rows + 1):
        expected = next(steps for steps, seen in enumerate(seen_after) if seen >= rows)
        assert plan(Rows(rows), num_rows=num_rows, batch=batch).num_steps == expected, rows


def test_evaluations_are_planned_in_their_own_length() -> None:
    made = Plan.of(Train(length=Epochs(2), batch=10, evaluate_every=Rows(25)), 100)
    assert (made.num_steps, made.evaluate_every) == (20, 3)


def test_position_follows_from_the_step_alone() -> None:
    found = [Progress(step=step).position(plan(Epochs(3))) for step in (0, 3, 4, 11)]
    assert found == [(0, 0), (0, 3), (1, 0), (2, 3)]


def test_first_score_is_the_best_so_far_however_low() -> None:
    progress, best = noted([0.0])
    assert (progress.best_score, progress.best_step, best) == (0.0, 1, [True])


def test_best_score_and_its_step_are_kept() -> None:
    progress, best = noted([0.5, 0.7, 0.6, 0.8, 0.1])
    assert best == [True, True, False, True, False]
    assert (progress.best_score, progress.best_step, progress.evaluations_without_gain) == (0.8, 4, 1)


def test_of_equal_scores_the_one_with_the_lower_loss_is_better() -> None:
    progress, best = noted([0.5, 0.5, 0.5], losses=[0.3, 0.2, 0.25])
    assert best == [True, True, False]
    assert (progress.best_step, progress.best_loss) == (2, 0.2)


def test_a_lower_loss_does_not_make_up_for_a_lower_score() -> None:
    assert noted([0.5, 0.4], losses=[0.3, 0.1])[1] == [True, False]
    assert noted([2.0, 2.1], losses=[0.3, 0.1], greater_is_better=False)[1] == [True, False]


def test_a_tie_in_score_and_loss_is_not_better() -> None:
    progress, best = noted([0.5, 0.5, 0.5])
    assert best == [True, False, False]
    assert (progress.best_step, progress.evaluations_without_gain) == (1, 2)


def test_a_lower_score_is_better_where_greater_is_not() -> None:
    progress, best = noted([3.0, 2.0, 2.5, 2.0, -1.0], greater_is_better=False)
    assert best == [True, True, False, False, True]
    assert (progress.best_score, progress.best_step) == (-1.0, 5)


def test_patience_counts_evaluations_in_a_row_without_gain() -> None:
    assert noted([0.5, 0.4, 0.6, 0.5], patience=2)[0].stopped is None
    assert noted([0.5, 0.4, 0.6, 0.5, 0.6], patience=2)[0].stopped == "early"


def test_patience_of_one_stops_at_the_first_evaluation_without_gain() -> None:
    assert noted([0.5], patience=1)[0].stopped is None
    assert noted([0.5, 0.5], patience=1)[0].stopped == "early"


def test_patience_of_zero_never_stops() -> None:
    progress, _ = noted([0.5] * 100, patience=0)
    assert (progress.stopped, progress.evaluations_without_gain) == (None, 99)


def test_progress_survives_json() -> None:
    progress, _ = noted([0.5, 0.1 + 0.2, 0.25], patience=1)
    progress.seconds = 1 / 3
    assert Progress(**json.loads(json.dumps(progress.as_json()))) == progress
