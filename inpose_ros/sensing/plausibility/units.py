"""An IMU that speaks in g or in degrees instead of m/s2 and rad/s (REP-103, REP-145), told by what it says."""

import math
from collections import deque
from statistics import median

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.quaternions import turned_on

# At rest the specific force is 9.81 m/s2, and on average it stays near that while somebody moves.
_FORCE_BELOW = 1.4
_FORCE_READINGS = 50
_FORCE_PERIOD_NS = 10_000_000
# A vote on the gyro's unit is held about so often [ns]; two of the last three decide.
_INTERVAL_NS = 200_000_000
_VOTES = 3
_STEP_NS = 9_000_000
_GAP_NS = 100_000_000
# The least turn [rad] by the gyro's own word that says anything, and by how much [rad] one prediction has to be better:
# against an orientation, and against the direction of the specific force, which every push disturbs.
_ORIENTED = (0.12, 0.05)
_LEVELLED = (0.3, 0.1)
# What speaks for degrees is more [rad] than a coarse integration of a quick gesture can be off, of a turn [rad] that is
# quick by its own word: in degrees, 5 degrees a second.
_BLUNDER = 0.3
_FAST = 1.0
# Mean rate [rad/s] over an interval that nobody reaches. In degrees it is a leisurely turn.
_SUSTAINED = 35.0


class ForceUnit:
    """Whether the accelerometer gives m/s2, by the median of its length over half a second or more."""

    def __init__(self) -> None:
        self._lengths: deque[float] = deque(maxlen=_FORCE_READINGS)
        self._stamp_ns: int | None = None
        self.wrong = False

    @property
    def length(self) -> float:
        """The median length in the driver's unit."""
        return median(self._lengths)

    def judge(self, stamp_ns: int, force: Float[np.ndarray, '3']) -> bool:
        """Whether this reading is in another unit (or lacks gravity)."""
        if self._stamp_ns is None or stamp_ns >= self._stamp_ns + _FORCE_PERIOD_NS:
            self._stamp_ns = stamp_ns
            self._lengths.append(math.sqrt(float(force @ force)))
            self.wrong = len(self._lengths) == _FORCE_READINGS and self.length < _FORCE_BELOW
        return self.wrong


class RateUnit:
    """Whether the gyro gives rad/s: what turns it predicts either way, against the turns that the others saw.

    Every interval both hypotheses are integrated and compared with the turn of the orientation, or, where the IMU has
    none, of the direction of the specific force. The latter is weak evidence, as a swinging arm carries the direction
    along with it; there only what would be more than half a turn in an interval speaks for degrees.
    """

    def __init__(self) -> None:
        self._votes: deque[bool] = deque(maxlen=_VOTES)
        self._stamp_ns: int | None = None
        self._begin: Measurement | None = None
        self.wrong = False

    def judge(self, measurement: Measurement) -> bool:
        """Whether the gyro of this reading is in degrees a second. Readings out of order change nothing."""
        stamp_ns, gyro = measurement.stamp_ns, measurement.angular_velocity
        if self._stamp_ns is None or self._begin is None or stamp_ns - self._stamp_ns > _GAP_NS:
            self._start(measurement)
        elif stamp_ns > self._stamp_ns:
            self._turn = self._turn + (self._gyro + gyro) * ((stamp_ns - self._stamp_ns) / 2e9)
            self._stamp_ns, self._gyro = stamp_ns, gyro
            if stamp_ns - self._stepped_ns >= _STEP_NS:
                self._step(stamp_ns)
            if stamp_ns - self._begin.stamp_ns >= _INTERVAL_NS:
                self._step(stamp_ns)
                self._vote(measurement)
                self._start(measurement)
        return self.wrong

    def _start(self, measurement: Measurement) -> None:
        self._begin = measurement
        self._stamp_ns = self._stepped_ns = measurement.stamp_ns
        self._gyro = measurement.angular_velocity
        self._turn, self._size = np.zeros(3), 0.0
        self._as_radians = self._as_degrees = (1.0, 0.0, 0.0, 0.0)

    def _step(self, stamp_ns: int) -> None:
        x, y, z = self._turn.tolist()
        self._as_radians = turned_on(self._as_radians, x, y, z)
        self._as_degrees = turned_on(self._as_degrees, math.radians(x), math.radians(y), math.radians(z))
        self._size += math.sqrt(float(self._turn @ self._turn))
        self._turn, self._stepped_ns = np.zeros(3), stamp_ns

    def _vote(self, end: Measurement) -> None:
        degrees = self._in_degrees(end)
        if degrees is not None:
            self._votes.append(degrees)
            self.wrong = sum(self._votes) > _VOTES / 2

    def _in_degrees(self, end: Measurement) -> bool | None:
        """What this interval says; None: nothing."""
        oriented = self._begin.rot_world_sensor is not None and end.rot_world_sensor is not None
        if not oriented and self._size * 1e9 > _SUSTAINED * _INTERVAL_NS:
            return True
        least, margin = _ORIENTED if oriented else _LEVELLED
        if self._size < least:
            return None
        errors = self._turn_errors(end) if oriented else self._direction_errors(end)
        if errors is None:
            return None
        radians, degrees = errors
        if radians > 2 * degrees + _BLUNDER and self._size > (_FAST if oriented else math.pi):
            return True
        return False if degrees > 2 * radians + margin else None

    def _turn_errors(self, end: Measurement) -> tuple[float, float]:
        seen = Rotation.from_matrix(self._begin.rot_world_sensor.T @ end.rot_world_sensor)
        return tuple((turn.inv() * seen).magnitude() for turn in self._turns)

    @property
    def _turns(self) -> tuple[Rotation, Rotation]:
        """What was integrated, taken for radians and for degrees."""
        return tuple(Rotation.from_quat([*xyz, w]) for w, *xyz in (self._as_radians, self._as_degrees))

    def _direction_errors(self, end: Measurement) -> tuple[float, float] | None:
        if self._begin.specific_force is None or end.specific_force is None:
            return None
        before, after = self._begin.specific_force, end.specific_force
        return tuple(_angle(turn.inv().apply(before), after) for turn in self._turns)


def _angle(a: Float[np.ndarray, '3'], b: Float[np.ndarray, '3']) -> float:
    return math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
