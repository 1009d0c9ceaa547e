"""A sensor that goes on sending one and the same reading has hung up, unless it is the kind that does so at rest."""

import math
from collections import deque

import numpy as np
from jaxtyping import Float

from inpose_ros.sensing.measurement import Measurement

# The same reading with rising stamps for longer than this [ns] is none.
FROZEN_NS = 300_000_000
# Noise shows in steps that turn back: six of seven where there is nothing else, few where somebody moves.
_STEPS = 50
_TURNED_BACK = 20
# Nobody who slows down to an exact stop does it faster than this [m/s2], [rad/s2], so the reading before it was slower
# than that makes in one period, or than these [m/s], [rad/s]. Each of so many readings before has to have been faster,
# as one stray does not do. Of the nine numbers of a rotation a step is sqrt(2) times the angle.
_SLOWS_DOWN = {3: 10.0, 9: 25.0 * math.sqrt(2)}
_SLOW = {3: 0.05, 9: 0.15 * math.sqrt(2)}
_MOVING = 5


class Frozen:
    """Judges one sensor.

    To repeat a reading bit by bit is no fault in itself: a simulated sensor without noise does so whenever its wearer
    stands still, and one that rounds coarsely may. So a sensor counts as frozen only if it has shown noise before, or
    if it went from moving to exactly still within one reading.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """The sensor was replaced or restarted; what it was like before says nothing."""
        self._last: Measurement | None = None
        self._since_ns = 0
        self._step: np.ndarray | None = None
        self._turned_back: deque[bool] = deque(maxlen=_STEPS)
        self._fast: deque[bool] = deque(maxlen=_MOVING)
        self._noisy = self._stopped_dead = self._frozen = False

    def judge(self, measurement: Measurement) -> bool:
        """Whether the sensor hangs at this reading. Readings out of order change nothing."""
        last = self._last
        if last is None:
            self._last, self._since_ns = measurement, measurement.stamp_ns
        elif measurement.stamp_ns > last.stamp_ns:
            same = last.same_reading(measurement)
            self._learn(last, measurement, same)
            self._last = measurement
            if not same:
                self._since_ns = measurement.stamp_ns
            told = self._noisy or self._stopped_dead
            self._frozen = told and same and measurement.stamp_ns - self._since_ns > FROZEN_NS
        return self._frozen

    def _learn(self, last: Measurement, measurement: Measurement, same: bool) -> None:
        """What kind of sensor it is."""
        if same:
            self._stopped_dead |= len(self._fast) == _MOVING and all(self._fast)
            self._fast.clear()
            self._turned_back.append(False)
            return
        step = _step(last, measurement)
        seconds = (measurement.stamp_ns - last.stamp_ns) / 1e9
        self._stopped_dead = False
        self._fast.append(math.sqrt(float(step @ step)) > _fastest_last_step(len(step), seconds))
        self._turned_back.append(
            self._step is not None and len(self._step) == len(step) and float(step @ self._step) < 0
        )
        self._step = step
        self._noisy |= sum(self._turned_back) >= _TURNED_BACK


def _fastest_last_step(size: int, seconds: float) -> float:
    """How long the last step before an exact stop may be."""
    return max(_SLOW[size], _SLOWS_DOWN[size] * seconds) * seconds


def _step(a: Measurement, b: Measurement) -> Float[np.ndarray, 'part']:
    """How the first part that both have has changed."""
    for one, other in zip(a.parts, b.parts):
        if one is not None and other is not None:
            return (other - one).ravel()
    return np.zeros(3)
