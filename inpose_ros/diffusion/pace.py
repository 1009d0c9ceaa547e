"""How many passes of the network fit into a frame, by what the last ones took."""

import math
from dataclasses import dataclass, replace

_MEMORY = 0.9  # share of the former mean that each new value leaves: about ten frames count
_POSTPONED = 4.0  # what can wait does so for so many times its own period at most


@dataclass(frozen=True)
class Pace:
    """Mean costs of a pass and of all else in a frame [s], against a `deadline` [s]; None: there is no hurry."""

    deadline: float | None = None
    per_pass: float = 0.0
    rest: float = 0.0

    def after(self, passes: int, network: float, rest: float) -> 'Pace':
        """With one more frame, whose passes took `network` [s] together, and all else `rest` [s]."""
        if passes == 0:
            return self
        if self.per_pass == 0.0:
            return replace(self, per_pass=network / passes, rest=rest)
        mixed = _MEMORY * self.per_pass + (1 - _MEMORY) * network / passes
        return replace(self, per_pass=mixed, rest=_MEMORY * self.rest + (1 - _MEMORY) * rest)

    def affordable(self, wanted: int) -> int:
        """Passes that fit before the deadline: one at least, and at most as many as are wanted."""
        if self.deadline is None or self.per_pass == 0.0:
            return wanted
        return max(1, min(wanted, math.floor((self.deadline - self.rest) / self.per_pass)))

    def has_time(self, passes: int, overdue: float) -> bool:
        """Whether after a frame of so many passes one more may be taken for what can wait.

        Args:
            overdue: how late that is already, over its own period; what is too late is done all the same.
        """
        return overdue > _POSTPONED or self.affordable(passes + 1) > passes
