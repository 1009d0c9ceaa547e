"""The orientation of an IMU that gives none: its gyro and accelerometer through VQF, a library's filter.

Gravity shows how the IMU is tilted. Its heading is nowhere to be seen: it starts as it is told to, goes on as the gyro
says, and drifts. How far it may have drifted is said with every reading; a calibration sets it right again.
"""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from transforms3d.quaternions import quat2mat
from vqf import VQF

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement

# From its first reading on the filter is not believed for so long [ns], until its tilt has settled.
SETTLING_NS = 1_000_000_000
# The rate is the mean over this time [ns], and over so many readings at least.
_LEARNING_NS = 200_000_000
_LEARNING = 10
# After a gap [ns] nobody knows how the IMU has turned meanwhile; slow ones may leave out four readings.
_GAP_NS = 100_000_000
_GAP_PERIODS = 4
# A driver that was set to another rate makes a new filter necessary.
_OTHER_RATE = 1.5
# Who was out of sight turned by about this much [rad] meanwhile.
_AFTER_GAP = 0.5
# More than this [rad] says no more.
_LOST = 1.5


class OrientationFilter:
    """One IMU's filter, fed with its readings by rising stamp.

    VQF (Laidig and Seel, Information Fusion 91, 2023) takes readings at one rate. That is measured first; afterwards
    each gyro reading is scaled by the time it stands for, so that a lost reading or an uneven stamp costs no angle.
    """

    def __init__(self) -> None:
        self._yaw = 0.0
        self.aligned = False
        self._spread = 0.0
        self._held: Float[np.ndarray, '3 3'] | None = None
        self._restart()

    def _restart(self) -> None:
        self._filter: VQF | None = None
        self._buffer: list[Measurement] = []
        self._last_ns: int | None = None
        self._begin_ns = 0
        self._period = self._mean_period = 0.0  # [s]
        self._settled = False

    def interrupt(self) -> None:
        """Time went back, or readings were lost: begin again, with the heading that was held last."""
        self._restart()

    def align(self, yaw: float) -> None:
        """Turn all that comes by an angle [rad] about the vertical: from now on the heading is known again."""
        self._yaw = math.remainder(self._yaw + yaw, math.tau)
        if self._held is not None:
            self._held = _about_z(yaw) @ self._held
        self._spread, self.aligned = 0.0, True

    def feed(self, measurement: Measurement, stddev: float) -> Measurement:
        """The measurement with its rotation (heading as aligned) and how far that may be off.

        `rotation_stddev` is `stddev` [rad], the sensor's, and how far the heading may have drifted, together: the
        uncertainty of the gyro's bias, as the filter states it, adds up over time.

        Raises:
            MeasurementError: no_orientation, of readings that cannot be used: the filter has not settled yet, the
                reading comes out of order, or lacks one of gyro and accelerometer.
        """
        if measurement.angular_velocity is None or measurement.specific_force is None:
            raise _unusable(measurement, 'has no orientation, and not both of gyro and accelerometer to find it from')
        if self._last_ns is not None:
            gap_ns = measurement.stamp_ns - self._last_ns
            if gap_ns <= 0:
                raise _unusable(measurement, 'came out of order, too late for its orientation filter')
            if gap_ns > max(_GAP_NS, _GAP_PERIODS * self._period * 1e9):
                self._restart()
        if self._filter is None:
            self._learn(measurement)
        else:
            self._update(measurement)
        self._last_ns = measurement.stamp_ns
        return self._oriented(measurement, stddev)

    def _learn(self, measurement: Measurement) -> None:
        """Gather readings until their rate is known, and give all of them to a new filter."""
        self._begin_ns = self._begin_ns if self._buffer else measurement.stamp_ns
        self._buffer.append(measurement)
        span_ns, count = measurement.stamp_ns - self._begin_ns, len(self._buffer)
        if span_ns >= _LEARNING_NS and count >= _LEARNING:
            self._period = self._mean_period = span_ns / 1e9 / (count - 1)
            self._filter = VQF(self._period)
            self._last_ns = self._begin_ns - round(self._period * 1e9)
            for earlier in self._buffer:
                self._update(earlier)
                self._last_ns = earlier.stamp_ns
            self._buffer = []

    def _update(self, measurement: Measurement) -> None:
        seconds = (measurement.stamp_ns - self._last_ns) / 1e9
        self._filter.update(measurement.angular_velocity * (seconds / self._period), measurement.specific_force * 1.0)
        self._spread = min(_LOST, self._spread + self._filter.getBiasEstimate()[1] * seconds)
        self._mean_period += min(1.0, seconds) * (seconds - self._mean_period)
        if not 1 / _OTHER_RATE < self._mean_period / self._period < _OTHER_RATE:
            self._restart()

    def _oriented(self, measurement: Measurement, stddev: float) -> Measurement:
        if self._filter is None or measurement.stamp_ns - self._begin_ns < SETTLING_NS:
            raise _unusable(measurement, f'is not used until its filter has settled ({SETTLING_NS / 1e9:g} s)')
        rot = self._rotation()
        if not self._settled:
            self._settled = True
            if self._held is not None:
                self._resume(rot)
        rot = _about_z(self._yaw) @ rot
        self._held = rot
        return replace(measurement, rot_world_sensor=rot, rotation_stddev=math.hypot(stddev, self._spread))

    def _resume(self, rot: Float[np.ndarray, '3 3']) -> None:
        """After an interruption go on with the heading held before it, for want of a better one."""
        self._yaw = _heading(self._held @ rot.T)
        self._spread = min(_LOST, math.hypot(self._spread, _AFTER_GAP))

    def _rotation(self) -> Float[np.ndarray, '3 3']:
        return quat2mat(self._filter.getQuat6D())  # both order it wxyz


def _about_z(yaw: float) -> Float[np.ndarray, '3 3']:
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _heading(rot: Float[np.ndarray, '3 3']) -> float:
    return math.atan2(rot[1, 0] - rot[0, 1], rot[0, 0] + rot[1, 1])


def _unusable(measurement: Measurement, why: str) -> MeasurementError:
    return MeasurementError('no_orientation', f'{measurement.sensor} {why}')
