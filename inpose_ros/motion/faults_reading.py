"""What faults are made of: a sensor's readings, and what becomes of them in an interval."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from inpose_ros.motion.simulate import SimulatedReading


@dataclass(frozen=True)
class FaultyReading(SimulatedReading):
    """A reading with what only its message shows.

    `taken_ns` is when it was measured, whatever its stamp says; `event` what happens at its message: nan or
    bad_quaternion (so it is spoilt), closed (the publisher goes away, the message unsent), second (another publisher
    than the sensor's own sends it).
    """

    taken_ns: int = 0
    event: str = ''


Rows = list[FaultyReading]


class Parts(NamedTuple):
    """A sensor's readings before, inside and after a fault's interval, each in the order in which they were taken."""

    before: Rows
    inside: Rows
    after: Rows

    @property
    def last_good(self) -> FaultyReading:
        """The last reading before the interval, or else the first in it."""
        return self.before[-1] if self.before else self.inside[0]


# How the readings inside the interval come, given the kind's amount.
Change = Callable[[Parts, float | None, np.random.Generator], Rows]


def changed(row: FaultyReading, **parts: object) -> FaultyReading:
    """The reading with parts of its measurement replaced."""
    return replace(row, measurement=replace(row.measurement, **parts))
