"""Steps that no body makes: told from motion by their speed, and from a new truth by how long they last."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# Who steps away and stays there for so long [ns] is believed: a tracker that has found itself again.
PERSISTENCE_NS = 500_000_000


class Reading(NamedTuple):
    """A value and its stamp."""

    stamp_ns: int
    value: np.ndarray


@dataclass(frozen=True)
class Quantity:
    """What is watched: the way between two values, and how fast a person at most covers it.

    `absence_ns` is the time for which a sensor that reads elsewhere may have gone on, at that speed, from where it was
    last believed: with more, the bound on the way would soon hold everything.
    """

    cause: str
    way: Callable[[np.ndarray, np.ndarray], float]
    speed: float
    slack: float
    absence_ns: int


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return math.dist(a, b)


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """Between two rotations [rad]: |A - B| = 2 sqrt(2) sin(angle / 2) in the Frobenius norm."""
    difference = (a - b).ravel()
    chord = math.sqrt(float(difference @ difference))
    return 2 * math.asin(min(1.0, chord / math.sqrt(8)))


# A hand in a throw reaches 12 m/s and 40 rad/s; the slack [m], [rad] is what trackers hop when they correct themselves.
POSITION = Quantity('teleport', _distance, 12.0, 0.05, 100_000_000)
ROTATION = Quantity('heading_step', _angle, 40.0, 0.1, 20_000_000)


class Jumps:
    """One quantity of one sensor: whether each reading can be reached from those before it.

    A reading that cannot is not believed, until the sensor is back where it was, or has read consistently elsewhere for
    PERSISTENCE_NS. `last` is the newest reading believed; `away` the newest of those that are not, None while all is
    well, and `since_ns` when these began.
    """

    def __init__(self, quantity: Quantity) -> None:
        self.quantity = quantity
        self.forget()

    def forget(self) -> None:
        """Whatever comes next is believed."""
        self.last: Reading | None = None
        self.away: Reading | None = None
        self.since_ns = 0

    def believes(self, reading: Reading, stddev: float, stay_away: bool = False) -> bool:
        """Whether this reading is to be used.

        Args:
            stddev: the sensor's noise, of which four times is allowed on top.
            stay_away: lasting does not make it true (known to be another's reading).
        """
        if self.last is None:
            return self._believe(reading)
        if self.away is None:
            return self._believe(reading) if self._reached(self.last, reading, stddev) else self._doubt(reading)
        if self._is_back(reading, stddev):
            return self._believe(reading)
        if not self._reached(self.away, reading, stddev):
            return self._doubt(reading)
        self.away = max(self.away, reading, key=_stamp)
        if stay_away or reading.stamp_ns - self.since_ns < PERSISTENCE_NS:
            return False
        return self._believe(reading)

    def steps(self, reading: Reading, stddev: float) -> bool:
        """Whether it cannot be reached from the last reading believed."""
        return self.last is not None and not self._reached(self.last, reading, stddev)

    def way(self, reading: Reading) -> float:
        """From the last reading believed."""
        return 0.0 if self.last is None else self.quantity.way(self.last.value, reading.value)

    def _is_back(self, reading: Reading, stddev: float) -> bool:
        silence = reading.stamp_ns - self.away.stamp_ns
        gap = max(min(reading.stamp_ns - self.last.stamp_ns, self.quantity.absence_ns), silence)
        if not self._reached(self.last, reading, stddev, gap):
            return False
        return self.way(reading) <= self.quantity.way(self.away.value, reading.value)

    def _reached(self, before: Reading, after: Reading, stddev: float, gap_ns: int | None = None) -> bool:
        gap = abs(after.stamp_ns - before.stamp_ns) if gap_ns is None else abs(gap_ns)
        bound = self.quantity.speed * gap / 1e9 + self.quantity.slack + 4 * stddev
        return self.quantity.way(before.value, after.value) <= bound

    def _believe(self, reading: Reading) -> bool:
        if self.last is None or self.away is not None or reading.stamp_ns > self.last.stamp_ns:
            self.last = reading
        self.away = None
        return True

    def _doubt(self, reading: Reading) -> bool:
        self.away, self.since_ns = reading, reading.stamp_ns
        return False


def _stamp(reading: Reading) -> int:
    return reading.stamp_ns
