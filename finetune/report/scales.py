"""How scores are told: shares in percent and points, correlations and errors as the numbers they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from finetune.report import rounding
from finetune.report.folder import Part, interval

NUMBERS = ("pearson", "spearman", "r2", "mae", "mse")  # all other metrics are shares of something


@dataclass(frozen=True, slots=True)
class Scale:
    """One way of telling a score, and what lies between two of them."""

    score: Callable[[Any], str]
    change: Callable[[Any], str]
    unit: str  # of a change; empty where it is that of the score

    def score_range(self, entry: Part) -> str:
        """The 95% interval of a score: `79.1 to 85.6%`; empty where none was measured."""
        found = interval(entry)
        return f"{self.score(found[0]).removesuffix('%')} to {self.score(found[1])}" if found else ""

    def score_with_range(self, entry: Part | None) -> str:
        """A score and its interval: `82.3% (79.1 to 85.6%)`."""
        if not entry:
            return rounding.UNKNOWN
        found = self.score_range(entry)
        return self.score(entry.get("value")) + (f" ({found})" if found else "")

    def change_in_words(self, value: Any) -> str:
        """A change and its unit: `+3.1 points`."""
        return f"{self.change(value)} {self.unit}".rstrip()

    def change_range(self, entry: Part) -> str:
        """The 95% interval of a change: `+0.8 to +5.4`; empty where none was measured."""
        found = interval(entry)
        return f"{self.change(found[0])} to {self.change(found[1])}" if found else ""

    def change_with_range(self, entry: Part) -> str:
        """A change and its interval: `+3.1 points (+0.8 to +5.4)`."""
        found = self.change_range(entry)
        return self.change_in_words(entry.get("value")) + (f" ({found})" if found else "")


SHARE = Scale(rounding.percent, rounding.points, "points")
NUMBER = Scale(rounding.amount, rounding.signed, "")


def scale(metric: str) -> Scale:
    """That of a metric by its key."""
    return NUMBER if metric in NUMBERS else SHARE
