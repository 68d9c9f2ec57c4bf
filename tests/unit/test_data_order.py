"""The order of rows: complete, repeatable, rarely padded; and its cut into micro-batches for processes."""

from __future__ import annotations

import numpy as np
import pytest

from finetune.data.order import Piece, batches, pieces


def long_tailed(num_rows: int = 10_000) -> np.ndarray:
    """Token counts as texts have them: half below 22, one in a hundred above 85, cut at 128."""
    drawn = np.random.default_rng(7).lognormal(3, 0.6, num_rows)
    return np.clip(drawn.astype(np.int64) + 2, 3, 128)


def padding(cut: list[np.ndarray], lengths: np.ndarray) -> float:
    """Cells of the padded batches over real tokens."""
    return sum(len(rows) * lengths[rows].max() for rows in cut) / lengths.sum()


@pytest.mark.parametrize("num_rows", [1, 2, 31, 32, 33, 767, 768, 769, 2000])
@pytest.mark.parametrize("batch", [1, 7, 32])
def test_every_row_comes_once_and_only_the_last_batch_is_short(num_rows: int, batch: int) -> None:
    cut = batches(long_tailed(num_rows), batch=batch, seed=13, epoch=2)
    assert sorted(np.concatenate(cut).tolist()) == list(range(num_rows))
    assert [len(rows) for rows in cut[:-1]] == [batch] * (len(cut) - 1)
    assert len(cut[-1]) == num_rows % batch or batch


def test_short_last_batch_is_kept() -> None:
    assert [len(rows) for rows in batches(np.ones(70), batch=32, seed=1, epoch=0)] == [32, 32, 6]


def test_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = long_tailed(500)
    first = batches(lengths, batch=8, seed=3, epoch=1)
    np.random.seed(99)  # the global state must not matter
    again = batches(lengths.copy(), batch=8, seed=3, epoch=1)
    assert [rows.tolist() for rows in first] == [rows.tolist() for rows in again]
    for seed, epoch in ((4, 1), (3, 2), (1, 3)):
        other = batches(lengths, batch=8, seed=seed, epoch=epoch)
        assert [rows.tolist() for rows in first] != [rows.tolist() for rows in other]


def test_lengths_are_not_changed() -> None:
    lengths = long_tailed(100)
    before = lengths.copy()
    batches(lengths, batch=8, seed=3, epoch=1)
    assert (lengths == before).all()


@pytest.mark.parametrize("batch", [16, 32, 64])
def test_rows_of_like_length_share_a_batch(batch: int) -> None:
    lengths = long_tailed()
    shuffled = np.random.default_rng(0).permutation(len(lengths))
    at_random = [shuffled[start : start + batch] for start in range(0, len(lengths), batch)]
    assert padding(at_random, lengths) > 2
    for epoch in range(3):
        assert padding(batches(lengths, batch=batch, seed=13, epoch=epoch), lengths) <= 1.15


def test_batches_do_not_come_in_order_of_length() -> None:
    lengths = long_tailed(768)
    longest = [int(lengths[rows].max()) for rows in batches(lengths, batch=32, seed=13, epoch=0)]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


def test_rows_meet_other_rows_in_every_epoch() -> None:
    def companions(epoch: int) -> set[frozenset[int]]:
        return {frozenset(map(int, rows)) for rows in batches(long_tailed(2000), batch=16, seed=13, epoch=epoch)}

    assert not companions(0) & companions(1)


def test_rows_of_equal_length_are_shuffled() -> None:
    order = np.concatenate(batches(np.ones(1000), batch=10, seed=13, epoch=0))
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1


@pytest.mark.parametrize(("num_rows", "micro_batch", "processes", "sizes"), [
    (32, 32, 1, [[32]]),
    (32, 16, 1, [[16], [16]]),
    (33, 16, 1, [[11], [11], [11]]),
    (5, 2, 1, [[2], [2], [1]]),
    (32, 8, 2, [[8, 8], [8, 8]]),
    (30, 8, 2, [[8, 8], [7, 7]]),
    (7, 100, 3, [[3, 2, 2]]),
    (1, 1, 1, [[1]]),
])
def test_pieces_are_even_and_at_most_a_micro_batch(num_rows: int, micro_batch: int, processes: int, sizes: list[list[int]]) -> None:
    rows = np.arange(100, 100 + num_rows)
    cut = pieces(rows, micro_batch=micro_batch, processes=processes)
    assert [[len(piece.rows) for piece in micro] for micro in cut] == sizes
    assert [row for micro in cut for piece in micro for row in piece.rows] == rows.tolist()
    assert all(piece.real for micro in cut for piece in micro)


def test_process_without_rows_gets_one_that_is_not_real() -> None:
    assert pieces(np.array([7, 8]), micro_batch=4, processes=4) == [
        [Piece((7,)), Piece((8,)), Piece((7,), real=False), Piece((7,), real=False)]]
    assert pieces(np.array([7, 8, 9]), micro_batch=1, processes=2) == [
        [Piece((7,)), Piece((8,))], [Piece((9,)), Piece((7,), real=False)]]


@pytest.mark.parametrize("num_rows", range(1, 40))
@pytest.mark.parametrize("processes", [1, 2, 3, 8])
def test_pieces_hold_every_row_once_for_all_sizes(num_rows: int, processes: int) -> None:
    cut = pieces(np.arange(num_rows), micro_batch=4, processes=processes)
    real = [piece for micro in cut for piece in micro if piece.real]
    sizes = {len(piece.rows) for piece in real}
    assert [row for piece in real for row in piece.rows] == list(range(num_rows))
    assert max(sizes) <= 4
    assert max(sizes) - min(sizes) <= 1
    assert {len(micro) for micro in cut} == {processes}
    assert len(cut) == -(-num_rows // (4 * processes))  # not one backward pass more than needed


def test_rows_of_pieces_are_plain_integers() -> None:
    (micro,) = pieces(np.array([3, 4]), micro_batch=2, processes=1)
    assert [type(row) for row in micro[0].rows] == [int, int]


def uneven(*counts: int) -> np.ndarray:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))


@pytest.mark.parametrize("counts", [(90, 10), (500, 3, 40), (1, 1, 1), (7, 200)])
def test_even_epoch_has_as_many_rows_and_of_every_label_equally_many(counts: tuple[int, ...]) -> None:
    targets = uneven(*counts)
    for epoch in range(3):
        seen = np.concatenate(batches(long_tailed(len(targets)), batch=8, seed=1, epoch=epoch, even=targets))
        assert len(seen) == len(targets)
        found = np.bincount(targets[seen], minlength=len(counts))
        assert found.max() - found.min() <= 1


def test_no_row_comes_again_before_all_of_its_label_have_come() -> None:
    targets = uneven(90, 10)
    times = np.bincount(np.concatenate(batches(long_tailed(100), batch=8, seed=1, epoch=0, even=targets)), minlength=100)
    assert set(times[targets == 1].tolist()) == {5}
    assert sorted(set(times[targets == 0].tolist())) == [0, 1]


def test_every_row_of_a_large_label_comes_over_the_epochs() -> None:
    targets, seen = uneven(90, 10), set()
    for epoch in range(12):
        seen |= set(np.concatenate(batches(long_tailed(100), batch=8, seed=1, epoch=epoch, even=targets)).tolist())
    assert len(seen) == 100


def test_even_order_depends_on_seed_and_epoch_alone() -> None:
    targets, lengths = uneven(90, 10), long_tailed(100)
    orders = [[rows.tolist() for rows in batches(lengths, batch=8, seed=seed, epoch=epoch, even=targets)]
              for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))]
    assert orders[0] == orders[1]
    assert orders[0] not in orders[2:]


def test_rows_of_like_length_share_a_batch_of_an_even_epoch() -> None:
    lengths = long_tailed()
    assert padding(batches(lengths, batch=32, seed=13, epoch=0, even=uneven(9_000, 1_000)), lengths) <= 1.15
