"""A rotation that stays the same to the last bit while its sensor moves is none: a placeholder, or one that hangs."""

import math

from inpose_ros.sensing.measurement import Measurement

# Who turns by nothing at all for so long [ns] while moving so far [m] is not turned by a hand.
_CONSTANT_NS = 300_000_000
_WAY = 0.02
# Once is a stray, so often in a row is a motion.
_READINGS = 5


class FrozenRotation:
    """Judges one sensor that gives a rotation and a position."""

    def __init__(self) -> None:
        self._rotation: bytes | None = None
        self._since: Measurement | None = None
        self._away = 0
        self.frozen = False

    def judge(self, measurement: Measurement) -> bool:
        """Whether the rotation of this reading hangs. Readings out of order change nothing."""
        rotation, position = measurement.rot_world_sensor, measurement.position
        if rotation is None or position is None:
            return False
        if self._since is not None and measurement.stamp_ns < self._since.stamp_ns:
            return self.frozen
        bits = rotation.tobytes()
        if bits != self._rotation:
            self._rotation, self._since, self._away, self.frozen = bits, measurement, 0, False
        elif not self.frozen:
            self._away = self._away + 1 if math.dist(position, self._since.position) > _WAY else 0
            self.frozen = self._away >= _READINGS and measurement.stamp_ns - self._since.stamp_ns > _CONSTANT_NS
        return self.frozen
