"""Whether two samples may be from one source: two tests, the size of the difference, and the price of asking often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from finetune.contracts import Array

MIN_EXPECTED = 5  # rows in a cell of the chi-square test (Cochran, Biometrics 10, 1954)


class Answer(NamedTuple):
    """What a test says: its statistic, a difference in [0, 1] that does not grow with the rows, and the p value."""

    statistic: float
    effect: float
    p: float


def kolmogorov_smirnov(one: Array, other: Array) -> Answer:
    """Numbers of two samples: the largest gap between their cumulative shares is both statistic and effect.

    The p value is the asymptotic one with the correction of Stephens (JRSS B 32, 1970), good from four rows on; ties
    make it too large, never too small.
    """
    import numpy as np
    from scipy.special import kolmogorov

    one, other = np.sort(one), np.sort(other)
    both = np.concatenate([one, other])
    shares = [np.searchsorted(side, both, side="right") / len(side) for side in (one, other)]
    gap = float(np.abs(shares[0] - shares[1]).max())
    root = np.sqrt(len(one) * len(other) / len(both))
    return Answer(gap, gap, float(kolmogorov((root + 0.12 + 0.11 / root) * gap)))


def chi_square(one: Mapping[str, int], other: Mapping[str, int]) -> Answer | None:
    """Rows by kind in two samples; None where too few kinds are frequent enough to be compared.

    Kinds expected fewer than MIN_EXPECTED times are counted together. The effect is the share of rows that would have
    to be of another kind for the samples to agree (total variation), over all kinds.
    """
    import numpy as np
    from scipy.special import chdtrc

    kinds = sorted(set(one) | set(other))
    counts = np.array([[side.get(kind, 0) for kind in kinds] for side in (one, other)], np.float64)
    if not counts.sum(axis=1).all():
        return None
    shares = counts / counts.sum(axis=1, keepdims=True)
    cells = _merged(counts)
    if cells.shape[1] < 2:
        return None
    expected = cells.sum(axis=1, keepdims=True) * cells.sum(axis=0) / cells.sum()
    statistic = float((np.square(cells - expected) / expected).sum())
    return Answer(statistic, float(np.abs(shares[0] - shares[1]).sum() / 2),
                  float(chdtrc(cells.shape[1] - 1, statistic)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, corrected for how many they are (Holm, Scand. J. Statistics 6, 1979)."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected, least = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = least
    return corrected


def _merged(counts: Array) -> Array:
    """The columns expected often enough; the others are one column, to which the rarest are added while it is short."""
    import numpy as np

    least = counts.sum(axis=0) * counts.sum(axis=1).min() / counts.sum()
    order = np.argsort(least, kind="stable")
    rare = int((least < MIN_EXPECTED).sum())
    while 0 < rare < len(order) and least[order[:rare]].sum() < MIN_EXPECTED:
        rare += 1
    rest = counts[:, order[:rare]].sum(axis=1, keepdims=True)
    return np.concatenate([counts[:, order[rare:]], rest], axis=1) if rare else counts
