"""The orientation of an IMU that gives none: its gyro and accelerometer through VQF, a library's filter.

Gravity shows how the IMU is tilted. Its heading is nowhere to be seen: it starts as it is told to, goes on as the gyro
says, and drifts. How far it may have drifted is said with every reading; a calibration sets it right again.
"""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from vqf import VQF

from inpose_ros.errors import MeasurementError
from inpose_ros.geometry import so3
from inpose_ros.sensing.gyro_bias import Rest, RestWatch
from inpose_ros.sensing.known_bias import CORRECTED, UNKNOWN, KnownBias, Turning
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.quaternions import Triple, exp, matrix, product, turned_on

# From its first reading on the filter is not believed for so long [ns], until its tilt has settled.
SETTLING_NS = 1_000_000_000
# VQF takes readings at one rate: what is read is integrated over steps of this length [s].
STEP = 0.005
# After a longer gap [ns] nobody knows how the IMU has turned meanwhile.
_GAP_NS = 300_000_000
# A gyro says how fast it has turned since its last reading. After more than this [s] readings were lost, and the rate
# is taken to have changed evenly meanwhile.
_LOSSLESS = 0.03
# What people do differs from that by the turn in between, times the square of the time over this [s]: a line through a
# swing of 2 Hz, as in walking and waving, is off by g^2 omega^2 / 12 of it.
_UNEVEN = 0.28
# How soon the mean rate of turning [s] forgets.
_RECENT = 2.0
# Who was out of sight turned by about this much [rad] meanwhile; after a longer absence [ns] they may face anywhere.
_AFTER_GAP = 0.5
_ABSENT_NS = 2_000_000_000
# More than this [rad] says no more.
_LOST = 1.5
# What is to be told of a bias, as motion shows it before any rest [rad/s].
_MUCH = math.radians(3.5)
# Motion shows a bias about level axes slowly; from this on [rad/s] it is taken to be seen in part only.
_NOTABLE = math.radians(1.0)
# The bias is looked at every so many steps.
_LOOK = 10
# No direction can be told from a shorter force [m/s2], and no library told of more than these [rad/s], [m/s2].
_WEIGHTLESS = 0.1
_BEYOND = 1e4


class OrientationFilter:
    """One IMU's filter, fed with its readings by rising stamp. `has_heading`: it was told one, long ago perhaps.

    VQF (Laidig and Seel, Information Fusion 91, 2023) takes readings at one rate. Readings come at any: what lies
    between two of them is integrated and handed over in even steps, so that neither a lost reading nor an uneven stamp
    costs an angle, and another rate of the driver goes unnoticed.
    """

    def __init__(self, turning: Turning = lambda seconds: ()) -> None:
        """Args: turning: how the others on the trunk turn, by which a turn is told from a bias."""
        self._turning_of_others = turning
        self._yaw = 0.0
        self._doubt: float | None = 0.0
        self.has_heading = False
        self._off_by: float | None = None  # [rad/s], if that is worth telling
        # How far the heading may be off [rad]; and how far it is, if the bias that is taken is the right one.
        self._spread = self._certain = 0.0
        self._held: Float[np.ndarray, '3 3'] | None = None
        self._known = KnownBias()
        self._rests = RestWatch()
        self._restart()

    def _restart(self) -> None:
        self._filter = VQF(STEP, restBiasEstEnabled=False, biasClip=1.2 * math.degrees(CORRECTED))
        if self._known.is_corrected:
            bias = self._known.bias
            self._filter.setBiasEstimate(bias.value, bias.stddev_at(self._rests.seconds))
        self._last: tuple[int, Triple, Triple] | None = None
        self._begin_ns = 0
        self._settled = False
        self._rests.restart()
        self._steps = 0
        self._step, self._turn, self._push = 0.0, [0.0] * 3, [0.0] * 3  # since the last whole step
        self._rate, self._turning = UNKNOWN, 0.0  # [rad/s]: how fast the heading may drift; how fast the IMU turns

    def finding(self, sensor: str) -> MeasurementError | None:
        """What is wrong with the gyro of a sensor of this name, though its readings are used (`gyro_bias`)."""
        if self._off_by is None:
            return None
        if self._known.bias is None:
            where, mend = 'as it moves', 'stand still for two seconds, so that it can be told and corrected'
        else:
            where = 'at rest'
            most = math.degrees(CORRECTED)
            mend = f'up to {most:g} is corrected; calibrate the gyro in its driver, with the IMU at rest'
        off = f'the gyro of {sensor} is off by {math.degrees(self._off_by):.1f} deg/s {where}'
        text = f'{off}, so its heading drifts; {mend}'
        return MeasurementError('gyro_bias', text)

    @property
    def aligned(self) -> bool:
        """Whether the heading was told, and goes on from there; if not, whoever knows where the body faces tells."""
        return self._doubt is None

    def begin_again(self) -> None:
        """Another person may wear it: the heading is to be told as at first."""
        self._restart()
        self._doubt = 0.0

    def interrupt(self) -> None:
        """Time went back: how long ago the last reading was is not known."""
        self._restart()
        self._lose_heading()

    def align(self, yaw: float) -> None:
        """Turn all that comes by an angle [rad] about the vertical: from now on the heading is known again."""
        self._yaw = math.remainder(self._yaw + yaw, math.tau)
        if self._held is not None:
            self._held = so3.about_z(yaw) @ self._held
        self._spread, self._doubt, self.has_heading = 0.0, None, True

    def follow(self, yaw: float) -> float:
        """As `align`, by where the body faces; how far that may be off [rad].

        At first it is taken for exact, as whoever puts sensors on looks ahead. Later they may look anywhere.
        """
        doubt = self._doubt or 0.0
        self.align(yaw)
        self._spread = doubt
        return doubt

    def _lose_heading(self) -> None:
        if self._doubt is None:
            self._doubt = _AFTER_GAP

    def feed(self, measurement: Measurement, stddev: float) -> Measurement:
        """The measurement with its rotation (heading as aligned) and how far that may be off.

        `rotation_stddev` is `stddev` [rad], the sensor's, and how far the heading may have drifted, together: the
        uncertainty of the gyro's bias adds up over time, and so does what was not seen between two readings.

        Raises:
            MeasurementError: of readings that cannot be used: no_orientation where the filter has not settled yet, or
                the reading comes out of order, or lacks one of gyro and accelerometer; duplicate; not_finite.
        """
        gyro, force = _numbers(measurement)
        stamp_ns = measurement.stamp_ns
        if self._last is not None:
            gap_ns = stamp_ns - self._last[0]
            if gap_ns == 0:
                raise _unusable(measurement, 'has a reading of this very stamp already', 'duplicate')
            if gap_ns < 0:
                raise _unusable(measurement, 'came out of order, too late for its orientation filter')
            if gap_ns > _ABSENT_NS:
                self._lose_heading()
            if gap_ns > _GAP_NS:
                self._restart()
        if self._last is None:
            self._begin_ns = stamp_ns
        else:
            self._advance((stamp_ns - self._last[0]) / 1e9, self._last[1], gyro, force)
        self._last = stamp_ns, gyro, force
        return self._oriented(measurement, stddev)

    def _advance(self, seconds: float, before: Triple, gyro: Triple, force: Triple) -> None:
        """Go on by the time between two readings."""
        rate = gyro if seconds < _LOSSLESS else tuple((a + b) / 2 for a, b in zip(before, gyro))
        left, missing = seconds, STEP - self._step
        while left >= missing:
            self._integrate(missing, rate, force)
            self._end_step()
            left, missing = left - missing, STEP
        self._integrate(left, rate, force)
        self._step += left
        turning = math.hypot(*rate)
        self._turning += min(1.0, seconds / _RECENT) * (turning - self._turning)
        unseen = max(turning, self._turning) * seconds * min(1.0, (seconds / _UNEVEN) ** 2)
        # Whoever has set the heading since then has set the spread.
        certain = min(self._certain, self._spread) if self._settled and self._known.doubt else self._spread
        self._certain = min(_LOST, math.hypot(certain + self._rate * seconds, unseen))
        drift = math.hypot(self._rate, self._known.doubt)
        self._spread = min(_LOST, math.hypot(self._spread + drift * seconds, unseen))

    def _integrate(self, seconds: float, rate: Triple, force: Triple) -> None:
        turn, push = self._turn, self._push
        turn[0] += rate[0] * seconds
        turn[1] += rate[1] * seconds
        turn[2] += rate[2] * seconds
        push[0] += force[0] * seconds
        push[1] += force[1] * seconds
        push[2] += force[2] * seconds

    def _end_step(self) -> None:
        turn, push = self._turn, self._push
        heavy = math.hypot(*push) > _WEIGHTLESS * STEP  # VQF passes over a force of zero
        self._filter.update(np.array(turn) / STEP, np.array(push) / STEP if heavy else np.zeros(3))
        found = self._rests.feed(STEP, turn, push)
        if found is not None:
            self._learn(found)
        self._steps += 1
        if self._steps % _LOOK == 0:
            self._look_at_bias()
        self._step, self._turn, self._push = 0.0, [0.0] * 3, [0.0] * 3

    def _learn(self, rest: Rest) -> None:
        before = self._known.bias
        if self._known.learn(rest, self._turning_of_others):
            self._spread = min(self._certain, self._spread)  # the heading was right all the time
        bias = self._known.bias
        if bias is not before and self._known.is_corrected:
            self._filter.setBiasEstimate(bias.value, bias.stddev)

    def _look_at_bias(self) -> None:
        """How fast the heading may drift, and whether there is something to tell."""
        bias = self._known.bias
        if bias is None:  # what is seen of it about level axes tells how large it may be about the vertical
            much = math.hypot(*self._filter.getBiasEstimate()[0].tolist())
            self._rate = math.hypot(UNKNOWN, much * (1 + much / _NOTABLE))
            self._off_by = much if much > _MUCH else None
        elif self._known.is_corrected:
            self._rate = bias.stddev_at(self._rests.seconds)
            self._off_by = None
        else:
            self._rate = self._off_by = math.hypot(*bias.value.tolist())

    def _oriented(self, measurement: Measurement, stddev: float) -> Measurement:
        if measurement.stamp_ns - self._begin_ns < SETTLING_NS:
            raise _unusable(measurement, f'is not used until its filter has settled ({SETTLING_NS / 1e9:g} s)')
        quat = turned_on(tuple(self._filter.getQuat6D().tolist()), *self._turn)  # both order it wxyz
        if not math.isfinite(sum(quat)):
            self._restart()
            raise _unusable(measurement, 'has said what its orientation filter can make nothing of', 'not_finite')
        if not self._settled:
            self._settled = True
            if self._held is not None:
                self._resume(np.array(matrix(quat)))
        rot = np.array(matrix(product(exp(0.0, 0.0, self._yaw), quat)))
        self._held = rot
        return replace(measurement, rot_world_sensor=rot, rotation_stddev=math.hypot(stddev, self._spread))

    def _resume(self, rot: Float[np.ndarray, '3 3']) -> None:
        """After an interruption go on with the heading held before it, for want of a better one."""
        self._yaw = so3.heading(self._held @ rot.T)
        self._spread = min(_LOST, math.hypot(self._spread, _AFTER_GAP if self.aligned else _LOST))


def _numbers(measurement: Measurement) -> tuple[Triple, Triple]:
    """Gyro and accelerometer, such as any filter can take."""
    parts = measurement.angular_velocity, measurement.specific_force
    if parts[0] is None or parts[1] is None:
        raise _unusable(measurement, 'has no orientation, and not both of gyro and accelerometer to find it from')
    gyro, force = (tuple(part.tolist()) for part in parts)
    if not (math.hypot(*gyro) < _BEYOND and math.hypot(*force) < _BEYOND):
        raise _unusable(measurement, f'gives {gyro} and {force}, which no gyro or accelerometer measures', 'not_finite')
    return gyro, force


def _unusable(measurement: Measurement, why: str, cause: str = 'no_orientation') -> MeasurementError:
    return MeasurementError(cause, f'{measurement.sensor} {why}')
