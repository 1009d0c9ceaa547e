"""A sensor that goes on sending one and the same place has hung up, unless it is the kind that does so at rest."""

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.fellows import Among, Fellows

# The same place with rising stamps for longer than this [ns] is none.
FROZEN_NS = 300_000_000
# One that is the same as before a silence may be so by chance; this many more are not.
_REPEATED = 2
# Noise shows in steps that turn back: six of seven where there is nothing else, few where somebody moves.
_STEPS = 50
_TURNED_BACK = 20
# What changes by less than this [m] is the last bits of single precision.
_LAST_BITS = 1e-5
# Nobody who slows down to an exact stop does it faster than this [m/s2], [rad/s2], so the reading before it was slower
# than that makes in one period, or than these [m/s], [rad/s]. Each of so many readings before has to have been faster,
# as one stray does not do. Of the nine numbers of a rotation a step is sqrt(2) times the angle. Rounding adds to a
# step, and hides the next: by twice the grain at most, in each of three axes.
_SLOWS_DOWN = {3: 10.0, 9: 25.0 * math.sqrt(2)}
_SLOW = {3: 0.05, 9: 0.15 * math.sqrt(2)}
_MOVING = 5
_GRAINS = 2 * math.sqrt(3)


class Frozen:
    """Judges one sensor: its place, as a device out of view may go on turning; or all it says, where it has no place.

    To repeat a reading bit by bit is no fault in itself: a simulated sensor without noise does so whenever its wearer
    stands still, and one that rounds coarsely may. So a sensor counts as frozen only if it has shown noise before, if
    it went from moving to exactly still within one reading, or if its fellows show that it is on no living body.
    """

    def __init__(self, joint: int) -> None:
        """Args: joint: on which it is worn."""
        self._among = Among(joint)
        self._last: Measurement | None = None
        self._since_ns = self._all_since_ns = self._repeated = 0
        self._step: np.ndarray | None = None
        self._grain = math.inf  # the smallest change that was ever seen
        self._turned_back: deque[bool] = deque(maxlen=_STEPS)
        self._fast: deque[bool] = deque(maxlen=_MOVING)
        self._stopped_dead = self._frozen = False
        self.noisy = False

    def judge(self, measurement: Measurement, fellows: Callable[[], Fellows]) -> bool:
        """Whether the sensor hangs at this reading. Readings out of order change nothing.

        Args: fellows: what others say at present; asked only while this one repeats itself.
        """
        last, stamp_ns = self._last, measurement.stamp_ns
        if last is None:
            self._last, self._since_ns, self._all_since_ns = measurement, stamp_ns, stamp_ns
        elif stamp_ns > last.stamp_ns:
            same = _same_place(last, measurement)
            self._learn(last, measurement, same)
            self._last, self._repeated = measurement, self._repeated + 1 if same else 0
            if not last.same_reading(measurement):
                self._all_since_ns = stamp_ns
                self._among.forget()
            if not same:
                self._since_ns = stamp_ns
            self._frozen = self._repeated >= _REPEATED and (self._frozen or self._hangs(stamp_ns, fellows))
        return self._frozen

    def _hangs(self, stamp_ns: int, fellows: Callable[[], Fellows]) -> bool:
        """Whether what has been the same until now is no measurement."""
        if (self.noisy or self._stopped_dead) and stamp_ns - self._since_ns > FROZEN_NS:
            return True
        if self._last.position is None:
            return False
        return self._among.denied(stamp_ns, self._since_ns, self._all_since_ns, fellows())

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
        self._grain = min(self._grain, float(np.abs(step[step != 0]).min(initial=math.inf)))
        fastest = _fastest_last_step(len(step), seconds) + _GRAINS * self._grain
        self._fast.append(math.sqrt(float(step @ step)) > fastest)
        comparable = self._step is not None and len(self._step) == len(step)
        self._turned_back.append(comparable and float(step @ self._step) < 0 and not _rounded(measurement, step))
        self._step = step
        self.noisy |= sum(self._turned_back) >= _TURNED_BACK


def _same_place(one: Measurement, other: Measurement) -> bool:
    if one.position is None or other.position is None:
        return one.same_reading(other)
    return one.position.tobytes() == other.position.tobytes()


def _rounded(measurement: Measurement, step: Float[np.ndarray, 'part']) -> bool:
    """Whether a step is of a place that is rounded by more than its noise, if only as computers do: it may rest."""
    return measurement.position is not None and float(np.abs(step).min()) < _LAST_BITS


def _fastest_last_step(size: int, seconds: float) -> float:
    """How long the last step before an exact stop may be."""
    return max(_SLOW[size], _SLOWS_DOWN[size] * seconds) * seconds


def _step(a: Measurement, b: Measurement) -> Float[np.ndarray, 'part']:
    """How the first part that both have has changed."""
    for one, other in zip(a.parts, b.parts):
        if one is not None and other is not None:
            return (other - one).ravel()
    return np.zeros(3)
