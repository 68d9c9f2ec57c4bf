"""How fast made-up models are: on which rows, in which turns, and what is told of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from finetune.contracts import Batch
from finetune.export import speed
from finetune.export.speed import Speed
from tests.unit.test_evaluate_score import answering, made_up_logits, numbered

NAMES = ("pytorch", "fp32", "int8")


def timed(num_rows: int, *, batch: int = 32) -> tuple[list[Speed], list[tuple[str, Batch]]]:
    """Speeds of three models, and who answered which batch, in order."""
    calls: list[tuple[str, Batch]] = []

    def noting(name: str) -> Any:
        answer = answering(made_up_logits(num_rows))

        def infer(batch: Batch) -> Any:
            calls.append((name, batch))
            return answer(batch)
        return infer

    return speed.measure([noting(name) for name in NAMES], numbered(num_rows), batch=batch), calls


def row(batch: Batch) -> int:
    return int(batch.inputs["input_ids"][0, 0]) - 2


def singles(calls: list[tuple[str, Batch]]) -> list[tuple[str, int]]:
    return [(name, row(batch)) for name, batch in calls if batch.rows == 1]


@pytest.mark.parametrize(("num_rows", "num_timed"), [(200, speed.NUM_TIMED), (64, speed.NUM_TIMED), (13, 13)])
def test_latency_is_measured_on_the_same_rows_for_all(num_rows: int, num_timed: int) -> None:
    speeds, calls = timed(num_rows)
    assert [len(one.single_ms) for one in speeds] == [num_timed] * 3
    rows = {name: [place for who, place in singles(calls) if who == name] for name in NAMES}
    assert rows["pytorch"] == rows["fp32"] == rows["int8"]
    assert len(set(rows["fp32"])) == num_timed


def test_single_rows_stand_for_all_lengths_there_are() -> None:
    _, calls = timed(200)
    lengths = [batch.inputs["input_ids"].shape[1] for name, batch in calls if name == "fp32" and batch.rows == 1]
    all_lengths = numbered(200).lengths()
    assert (min(lengths), max(lengths)) == (all_lengths.min(), all_lengths.max())
    assert abs(float(np.median(lengths) - np.median(all_lengths))) <= 1


def test_models_take_turns_block_by_block() -> None:
    _, calls = timed(200)
    alone = singles(calls)
    turns = [name for name, before in zip(alone, [("", 0), *alone[:-1]], strict=True) if name[0] != before[0]]
    assert [name for name, _ in turns] == [*NAMES] * (speed.NUM_TIMED // speed.BLOCK)
    assert len(alone) == 3 * speed.NUM_TIMED + len(turns) * speed.WARM_UP


def test_batches_hold_as_many_rows_as_asked_and_are_answered_in_turns() -> None:
    speeds, calls = timed(200, batch=24)
    together = [(name, batch.rows) for name, batch in calls if batch.rows > 1]
    assert together == [(name, 24) for _ in range(speed.ROUNDS) for name in NAMES for _ in range(2)]
    assert [(one.batch, len(one.batch_ms)) for one in speeds] == [(24, speed.ROUNDS)] * 3


def test_a_batch_has_at_most_all_rows() -> None:
    speeds, _ = timed(13)
    assert speeds[0].batch == 13


def test_percentiles_and_rows_per_second_follow_from_the_milliseconds() -> None:
    one = Speed(32, [float(i) for i in range(1, 101)], [20.0, 10.0, 400.0])
    assert one.p50 == 50.5
    assert one.p95 == pytest.approx(95.05)
    assert one.rows_per_second == 1600.0


def test_few_rows_are_answered_again_since_one_answer_proves_nothing() -> None:
    speeds, calls = timed(3)
    assert [len(one.single_ms) for one in speeds] == [speed.BLOCK] * 3
    assert {place for _, place in singles(calls)} == {0, 1, 2}


PLAIN = [1.04 + place / 100 for place in range(50)]


@pytest.mark.parametrize(("ratio", "more"), [(1.2, True), (1.11, True), (1.09, False), (1.0, False), (0.5, False)])
def test_a_tenth_more_for_the_same_rows_is_slower(ratio: float, more: bool) -> None:
    assert speed.slower([ratio * one for one in PLAIN], PLAIN) is more
    assert speed.slower([ratio * one for one in reversed(PLAIN)], PLAIN[::-1]) is more


@pytest.mark.parametrize(("plain", "own", "more"), [(0.05, 0.14, False), (0.05, 0.16, True), (5.0, 5.2, False), (5.0, 6.0, True)])
def test_less_than_a_tenth_of_a_millisecond_is_no_difference(plain: float, own: float, more: bool) -> None:
    assert speed.slower([own] * 50, [plain] * 50) is more


def test_pauses_that_hit_two_turns_of_five_prove_nothing() -> None:
    paused = [one * (3 if place < 2 * speed.BLOCK else 1) for place, one in enumerate(PLAIN)]
    assert not speed.slower(paused, PLAIN)
    assert not speed.slower([one * (3 if place < 35 else 0.9) for place, one in enumerate(PLAIN)], PLAIN)


def test_noise_of_a_tenth_is_never_taken_for_slowness() -> None:
    rng = np.random.default_rng(0)
    draws = rng.lognormal(sigma=0.1, size=(400, 2, 50))
    assert not any(speed.slower(list(one), list(than)) for one, than in draws)


def test_a_quarter_more_is_seen_through_noise() -> None:
    rng = np.random.default_rng(0)
    draws = rng.lognormal(sigma=0.1, size=(400, 2, 50))
    assert sum(speed.slower(list(1.25 * one), list(than)) for one, than in draws) > 395
