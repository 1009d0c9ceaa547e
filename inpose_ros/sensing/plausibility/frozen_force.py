"""A specific force that stays the same to the last bit while the gyro tilts: an accelerometer that has hung up."""

import math

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.quaternions import Triple

# Whose rate of tilting varies by this [rad/s] within so long [ns] or longer tilts gravity: no reading stays the same.
# A gyro that is off tilts too, evenly, where a coarse device is at rest.
_VARIES = 0.12
_CONSTANT_NS = 700_000_000
# Rates are means over so long [ns], as noise varies as well.
_BLOCK_NS = 98_000_000
# After a longer silence [ns] nobody knows what lay between.
_GAP_NS = 150_000_000


class FrozenForce:
    """Judges one IMU that gives gyro and accelerometer."""

    def __init__(self) -> None:
        self._force: Triple | None = None
        self._stamp_ns = self._since_ns = 0
        self.frozen = False

    def judge(self, measurement: Measurement) -> bool:
        """Whether the specific force of this reading hangs. Readings out of order change nothing."""
        gyro, force = measurement.angular_velocity, measurement.specific_force
        if gyro is None or force is None:
            return False
        stamp_ns, said = measurement.stamp_ns, tuple(force.tolist())
        if said != self._force or not self._since_ns <= stamp_ns <= self._stamp_ns + _GAP_NS:
            self._begin(stamp_ns, said)
        elif stamp_ns > self._stamp_ns:
            self._go_on(stamp_ns, gyro.tolist())
        return self.frozen

    def _begin(self, stamp_ns: int, force: Triple) -> None:
        self._force = force
        self._stamp_ns = self._since_ns = self._block_ns = stamp_ns
        self._turn = [0.0] * 3
        self._first: Triple | None = None
        self._varied = 0.0
        self.frozen = False

    def _go_on(self, stamp_ns: int, gyro: list[float]) -> None:
        seconds, self._stamp_ns = (stamp_ns - self._stamp_ns) / 1e9, stamp_ns
        for axis in (0, 1, 2):
            self._turn[axis] += gyro[axis] * seconds
        if stamp_ns - self._block_ns < _BLOCK_NS:
            return
        rate = self._tilting((stamp_ns - self._block_ns) / 1e9)
        self._first = self._first or rate
        self._varied = max(self._varied, math.dist(rate, self._first))
        self._turn, self._block_ns = [0.0] * 3, stamp_ns
        if self._varied > _VARIES and stamp_ns - self._since_ns > _CONSTANT_NS:
            self.frozen = True

    def _tilting(self, seconds: float) -> Triple:
        """The mean rate, but for what turns about the vertical, as the force shows it."""
        square = sum(axis * axis for axis in self._force) or 1.0
        along = sum(turn * axis for turn, axis in zip(self._turn, self._force)) / square
        return tuple((turn - along * axis) / seconds for turn, axis in zip(self._turn, self._force))
