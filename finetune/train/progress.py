"""Where a training run stands: all that resuming needs besides weights, optimizer and random state."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from finetune.spec import Epochs, Length, Rows, Steps, Train


@dataclass(frozen=True, slots=True)
class Plan:
    """The run in optimizer steps."""

    num_rows: int
    steps_per_epoch: int
    num_steps: int
    evaluate_every: int

    @classmethod
    def of(cls, train: Train, num_rows: int) -> Plan:
        """The recipe's lengths as steps of this many training rows."""
        per_epoch = math.ceil(num_rows / train.batch)

        def steps(length: Length) -> int:
            match length:
                case Steps(n):
                    return n
                case Epochs(n):
                    return max(1, round(n * per_epoch))
                case Rows(n):  # the last step of an epoch sees fewer rows than the others
                    return n // num_rows * per_epoch + math.ceil(n % num_rows / train.batch)

        return cls(num_rows, per_epoch, steps(train.length), steps(train.evaluate_every))

    def rows_until(self, step: int, batch: int) -> int:
        """Rows seen after so many steps: only an epoch's last batch may be short."""
        epochs, within = divmod(step, self.steps_per_epoch)
        return epochs * self.num_rows + within * batch


@dataclass(slots=True)
class Progress:
    """Counters that move; the position in the data follows from `step`."""

    step: int = 0  # optimizer steps done
    best_step: int = 0
    best_score: float | None = None
    best_loss: float | None = None  # of the best evaluation; the lower one wins where scores are equal
    evaluations_without_gain: int = 0
    stopped: str | None = None  # None while running, else length or early
    seconds: float = 0.0

    def position(self, plan: Plan) -> tuple[int, int]:
        """Epoch and step within it at which training goes on."""
        return divmod(self.step, plan.steps_per_epoch)

    def note(self, score: float, *, loss: float, greater_is_better: bool, patience: int) -> bool:
        """Take in an evaluation; returns whether it is the best so far."""
        sign = 1.0 if greater_is_better else -1.0
        best = (self.best_score is None or self.best_loss is None
                or (sign * score, -loss) > (sign * self.best_score, -self.best_loss))
        if best:
            self.best_score, self.best_loss, self.best_step, self.evaluations_without_gain = score, loss, self.step, 0
        else:
            self.evaluations_without_gain += 1
            if patience and self.evaluations_without_gain >= patience:
                self.stopped = "early"
        return best

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
