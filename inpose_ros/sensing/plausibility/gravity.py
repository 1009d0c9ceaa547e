"""An IMU whose orientation does not put gravity down: its world, its axes or its acceleration's sign are others'."""

import math
from collections import deque

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement, Sensor

_PERIOD_NS = 10_000_000
# So many quiet readings decide: half a second of them, or more.
_READINGS = 50
# At rest the specific force is 9.81 m/s2, give or take a bias; who turns faster [rad/s] is not at rest.
_REST, _UNREST = 9.81, 0.8
_TURNING = 0.6
# Whoever is thrown about feels that much too, in passing; only those that have been quiet for so long [ns] count.
_SPELL_NS = 150_000_000
# Quiet readings are tilted by 22 degrees at most, and orientations that have settled are good to some degrees.
_TILT = math.cos(math.radians(40))
# Within 30 degrees of down it is the sign of the acceleration, or of the world's vertical.
_DOWN = math.cos(math.radians(150))
# What hangs, or points anywhere: by how these lie nobody can tell whether an orientation is upside down.
_ARMS = ('shoulder', 'elbow', 'wrist')


class Gravity:
    """Judges one sensor by how far from up its acceleration points on average, in the world, while it is quiet."""

    def __init__(self) -> None:
        self._cosines: deque[float] = deque(maxlen=_READINGS)
        self._sum = 0.0
        self._uprights: deque[float] = deque(maxlen=_READINGS)
        self._stamp_ns: int | None = None
        self._quiet_since_ns: int | None = None
        self.wrong = False

    def judge(self, measurement: Measurement, sensor: Sensor) -> bool:
        """Whether orientation and acceleration contradict each other. Readings out of order change nothing."""
        rot, force = measurement.rot_world_sensor, measurement.specific_force
        if rot is None or force is None:
            return False
        if self._stamp_ns is None or measurement.stamp_ns >= self._stamp_ns + _PERIOD_NS:
            self._stamp_ns = measurement.stamp_ns
            x, y, z = force.tolist()
            length = math.sqrt(x * x + y * y + z * z)
            if self._is_quiet(measurement, length):
                a, b, c = rot[2].tolist()
                self._learn((a * x + b * y + c * z) / length)
                if not sensor.joint.endswith(_ARMS):
                    self._uprights.append(float(rot[2] @ sensor.mount[0][2]))
        return self.wrong

    def _is_quiet(self, measurement: Measurement, force: float) -> bool:
        """Whether it rests for a while already, or may."""
        if abs(force - _REST) >= _UNREST or _turns(measurement):
            self._quiet_since_ns = None
            return False
        if self._quiet_since_ns is None:
            self._quiet_since_ns = measurement.stamp_ns
        return measurement.stamp_ns - self._quiet_since_ns >= _SPELL_NS

    @property
    def angle(self) -> float:
        """How far from up the acceleration points [rad]."""
        return math.acos(min(1.0, max(-1.0, self._sum / len(self._cosines))))

    @property
    def is_orientation_wrong(self) -> bool:
        """Whether it is not the acceleration alone that is wrong.

        It alone is where it points down, as then its sign may be exchanged, and the body stands upright by the
        orientation: else both are of another world or of other axes.
        """
        return self._sum > _DOWN * len(self._cosines) or sum(self._uprights) < 0

    def _learn(self, cosine: float) -> None:
        if len(self._cosines) == _READINGS:
            self._sum -= self._cosines[0]
        self._cosines.append(cosine)
        self._sum += cosine
        self.wrong = len(self._cosines) == _READINGS and self._sum < _TILT * _READINGS

    def finding(self, sensor: str) -> MeasurementError:
        """What is wrong, for people to read."""
        rest = 'Not used' if self.is_orientation_wrong else 'Its acceleration is not used'
        text = (
            f'by the orientation of {sensor} its acceleration at rest points {math.degrees(self.angle):.0f} degrees '
            'away from up: upside down, another world (NED has z down), exchanged axes, or the opposite sign; publish '
            f'x forward, y left, z up, and specific force (REP-103, REP-145). {rest}'
        )
        return MeasurementError('gravity', text)


def _turns(measurement: Measurement) -> bool:
    gyro = measurement.angular_velocity
    if gyro is None:
        return False
    x, y, z = gyro.tolist()
    return x * x + y * y + z * z > _TURNING * _TURNING
