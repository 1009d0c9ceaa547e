"""How many passes of the network fit into a frame, by what the last ones took."""

import math
from dataclasses import dataclass, replace

_MEMORY = 0.9  # share of the former mean that each new value leaves: about ten frames count
_CAUTION = 3.0  # so many times what frames are off by is kept free
_POSTPONED = 4.0  # what can wait does so for so many times its own period at most


@dataclass(frozen=True)
class ComputeBudget:
    """Mean costs of a pass and of what comes after the last one [s], against a `deadline` [s]; None: no hurry.

    `off` [s] is by how much frames differ from that in the mean. Where other processes want the cores too, it is more
    this that makes frames late than how long they take in the mean, so a multiple of it is kept free (as TCP does
    before it sends again: Jacobson, Congestion avoidance and control, 1988).
    """

    deadline: float | None = None
    per_pass: float = 0.0
    rest: float = 0.0
    off: float = 0.0

    def after(self, passes: int, guiding: float, rest: float) -> 'ComputeBudget':
        """With one more frame, whose passes took `guiding` [s] together, and what came after them `rest` [s]."""
        if passes == 0:
            return self
        if self.per_pass == 0.0:
            return replace(self, per_pass=guiding / passes, rest=rest)
        off = abs(guiding + rest - passes * self.per_pass - self.rest)
        return replace(
            self,
            per_pass=_mixed(self.per_pass, guiding / passes),
            rest=_mixed(self.rest, rest),
            off=_mixed(self.off, off),
        )

    def affordable(self, wanted: int, spent: float = 0.0) -> int:
        """Passes that fit before the deadline: one at least, and at most as many as are wanted.

        Args:
            spent: of the frame's time already [s].
        """
        if self.deadline is None or self.per_pass == 0.0:
            return wanted
        return max(1, min(wanted, math.floor((self._left(spent) - self.rest) / self.per_pass)))

    def has_time(self, spent: float, overdue: float) -> bool:
        """Whether at the end of a frame that took `spent` [s] one more pass may be taken for what can wait.

        Args:
            overdue: how late that is already, over its own period; what is too late is done all the same.
        """
        return self.deadline is None or overdue > _POSTPONED or self._left(spent) >= self.per_pass

    def _left(self, spent: float) -> float:
        return self.deadline - spent - _CAUTION * self.off


def _mixed(mean: float, new: float) -> float:
    return _MEMORY * mean + (1 - _MEMORY) * new
